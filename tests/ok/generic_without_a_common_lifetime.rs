//! One lifetime for both.
use avsluice::*;

fn case<'d, M: Memory>(encoder: &mut Encoder<'d, M>, frame: Frame<'d, M>) {
    let _ = encoder.send(frame);
}

fn main() {}
