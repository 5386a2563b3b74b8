//! Freed once.
use avsluice::*;

fn case(encoder: Encoder<Cuda, encode::Closed>) {
    encoder.report();
    encoder.free();
}

fn main() {}
