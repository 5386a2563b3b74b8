//! Sent before.
use avsluice::*;

fn case<'d>(mut encoder: Encoder<'d, Cuda>, frame: Frame<'d, Cuda>) {
    let _ = encoder.send(frame);
    let _flushing = encoder.flush();
}

fn main() {}
