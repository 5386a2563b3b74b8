//! The frame goes first.
use avsluice::*;

fn case(device: Device<Cuda>, format: Format) -> Result<()> {
    let frame = FramePool::new(&device, format)?.frame()?;
    drop(frame);
    drop(device);
    Ok(())
}

fn main() {}
