//! A host frame is not sent to an encoder of device frames: no copy is made in silence.
use avsluice::*;

fn case(encoder: &mut Encoder<Cuda>, frame: Frame<'static, System>) {
    let _ = encoder.send(frame);
}

fn main() {}
