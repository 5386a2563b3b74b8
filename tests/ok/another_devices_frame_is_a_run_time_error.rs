//! A lifetime does not tell one device from another: `send` does.
use avsluice::*;

fn case(a: &Device<Cuda>, b: &Device<Cuda>, format: Format, clock: TimeBase) -> Result<()> {
    let mut encoder = Encoder::new(&FramePool::new(a, format)?, clock, nvenc::H264::new()).open()?;
    let frame = FramePool::new(b, format)?.frame()?;
    let _wrong_pool = encoder.send(frame);
    Ok(())
}

fn main() {}
