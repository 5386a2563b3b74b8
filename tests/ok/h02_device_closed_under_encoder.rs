//! The encoder goes first.
use avsluice::*;

fn case(device: Device<Cuda>, format: Format, clock: TimeBase) -> Result<()> {
    let encoder = Encoder::new(&FramePool::new(&device, format)?, clock, nvenc::H264::new()).open()?;
    drop(encoder);
    device.close()?;
    Ok(())
}

fn main() {}
