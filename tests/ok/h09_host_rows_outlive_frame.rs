//! They are written before.
use avsluice::*;

fn case(encoder: &mut Encoder<System>, mut frame: Frame<'static, System>) {
    let Some(plane) = frame.plane_mut(0) else { return };
    plane.data.fill(16);
    let _ = encoder.send(frame);
}

fn main() {}
