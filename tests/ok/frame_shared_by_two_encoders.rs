//! A reference for each encoder.
use avsluice::*;

fn case<'d>(avc: &mut Encoder<'d, Cuda>, hevc: &mut Encoder<'d, Cuda>, frame: Frame<'d, Cuda>) -> Result<()> {
    let _ = avc.send(frame.try_clone()?)?;
    let _ = hevc.send(frame)?;
    Ok(())
}

fn main() {}
