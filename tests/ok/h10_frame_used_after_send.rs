//! A second reference stays outside.
use avsluice::*;

fn case<'d>(encoder: &mut Encoder<'d, Cuda>, mut frame: Frame<'d, Cuda>) -> Result<()> {
    let _ = encoder.send(frame.try_clone()?);
    frame.set_pts(1);
    Ok(())
}

fn main() {}
