//! A frame leaves the block that its device is dropped in.
use avsluice::*;

fn case(format: Format) -> Result<()> {
    let frame;
    {
        let device = Device::cuda(0)?;
        frame = FramePool::new(&device, format)?.frame()?;
    }
    drop(frame);
    Ok(())
}

fn main() {}
