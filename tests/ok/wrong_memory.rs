//! `upload` makes it.
use avsluice::*;

fn case<'d>(encoder: &mut Encoder<'d, Cuda>, frame: Frame<'static, System>, pool: &FramePool<'d, Cuda>) -> Result<()> {
    let _ = encoder.send(frame.upload(pool)?);
    Ok(())
}

fn main() {}
