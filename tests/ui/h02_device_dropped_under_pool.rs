//! The device is dropped while a pool lives that nothing uses any more.
#![allow(unused_variables)]
use avsluice::*;

fn case(device: Device<Cuda>, format: Format) -> Result<()> {
    let pool = FramePool::new(&device, format)?;
    drop(device);
    Ok(())
}

fn main() {}
