//! Rows of a host frame are written after the frame was sent.
use avsluice::*;

fn case(encoder: &mut Encoder<System>, mut frame: Frame<'static, System>) {
    let Some(plane) = frame.plane_mut(0) else { return };
    let _ = encoder.send(frame);
    plane.lines_mut().for_each(|line| line.fill(16));
}

fn main() {}
