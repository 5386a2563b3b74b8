//! What the hardware may still read was moved in.
use avsluice::*;

fn case<'d>(encoder: &mut Encoder<'d, Cuda>, mut frame: Frame<'d, Cuda>) {
    let _ = encoder.send(frame);
    frame.set_pts(1);
}

fn main() {}
