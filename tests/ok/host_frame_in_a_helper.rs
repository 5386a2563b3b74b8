//! Helpers name no lifetime.
use avsluice::*;

fn luma(frame: &Frame<System>) -> u8 {
    frame.plane(0).data[0]
}
fn again(frame: &Frame<System>, pool: &FramePool<Cuda>) -> Result<()> {
    let _ = (luma(frame), frame.upload(pool)?);
    Ok(())
}

fn main() {}
