//! They are written before.
use avsluice::*;

fn case(encoder: &mut Encoder<System>, mut frame: Frame<'static, System>) {
    let Some(plane) = frame.plane_mut(0) else { return };
    plane.lines_mut().for_each(|line| line.fill(16));
    let _ = encoder.send(frame);
}

fn main() {}
