//! So does the device.
use avsluice::*;

fn case(format: Format) -> Result<()> {
    let (device, frame);
    {
        device = Device::cuda(0)?;
        frame = FramePool::new(&device, format)?.frame()?;
    }
    drop(frame);
    Ok(())
}

fn main() {}
