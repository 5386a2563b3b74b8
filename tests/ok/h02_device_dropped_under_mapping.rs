//! The mapping goes first.
use avsluice::*;

fn case(device: Device<Vaapi>, format: Format) -> Result<()> {
    let mapped = FramePool::new(&device, format)?.frame()?.map(Mapping::Direct)?;
    drop(mapped);
    drop(device);
    Ok(())
}

fn main() {}
