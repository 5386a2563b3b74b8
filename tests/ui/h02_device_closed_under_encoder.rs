//! The device is closed while an encoder lives that was built on it.
#![allow(unused_variables)]
use avsluice::*;

fn case(device: Device<Cuda>, format: Format, clock: TimeBase) -> Result<()> {
    let encoder = Encoder::new(&FramePool::new(&device, format)?, clock, nvenc::H264::new()).open()?;
    device.close()?;
    Ok(())
}

fn main() {}
