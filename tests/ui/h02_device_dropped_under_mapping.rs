//! The device is dropped while its memory is mapped for the host, by whatever way the mapping went.
#![allow(unused_variables)]
use avsluice::*;

fn case(device: Device<Vaapi>, format: Format) -> Result<()> {
    let mapped = FramePool::new(&device, format)?.frame()?.map(Mapping::Direct)?;
    let AnyFrame::System(sorted) = mapped.erase().into_kind() else { return Ok(()) };
    drop(device);
    Ok(())
}

fn main() {}
