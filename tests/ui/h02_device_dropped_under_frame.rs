//! The device is dropped while a frame lives that nothing uses any more.
#![allow(unused_variables)]
use avsluice::*;

fn case(device: Device<Cuda>, format: Format) -> Result<()> {
    let frame = FramePool::new(&device, format)?.frame()?;
    drop(device);
    Ok(())
}

fn main() {}
