//! The device is dropped while its memory is mapped for the host.
#![allow(unused_variables)]
use avsluice::*;

fn case(device: Device<Vaapi>, format: Format) -> Result<()> {
    let mapped = FramePool::new(&device, format)?.frame()?.map(Mapping::Direct)?;
    drop(device);
    Ok(())
}

fn main() {}
