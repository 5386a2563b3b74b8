//! A frame lives no longer than the device that the encoder is built on, also in generic code.
use avsluice::*;

fn case<M: Memory>(encoder: &mut Encoder<M>, frame: Frame<M>) {
    let _ = encoder.send(frame);
}

fn main() {}
