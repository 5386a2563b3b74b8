//! Helpers name no lifetime.
use avsluice::*;

fn luma(frame: &Frame<System>) -> u8 {
    frame.plane(0).data.get(0).map_or(0, |row| row[0])
}
fn again(frame: &Frame<System>, pool: &FramePool<Cuda>) -> Result<()> {
    let _ = (luma(frame), frame.upload(pool)?);
    Ok(())
}

fn main() {}
