//! Freed is gone.
use avsluice::*;

fn case(encoder: Encoder<Cuda, encode::Closed>) {
    encoder.free();
    encoder.free();
}

fn main() {}
