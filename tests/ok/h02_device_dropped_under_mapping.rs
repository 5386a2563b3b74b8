//! The mapping goes first.
use avsluice::*;

fn case(device: Device<Vaapi>, format: Format) -> Result<()> {
    let mapped = FramePool::new(&device, format)?.frame()?.map(Mapping::Direct)?;
    let AnyFrame::System(sorted) = mapped.erase().into_kind() else { return Ok(()) };
    drop(sorted);
    drop(device);
    Ok(())
}

fn main() {}
