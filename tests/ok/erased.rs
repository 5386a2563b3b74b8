//! The memory kind is checked at run time.
use avsluice::*;

fn case<'d>(encoder: Encoder<'d, Cuda>, frame: Frame<'d, Cuda>) {
    let mut encoder: Encoder<Any> = encoder.erase();
    let _ = encoder.send(frame.erase());
}

fn main() {}
