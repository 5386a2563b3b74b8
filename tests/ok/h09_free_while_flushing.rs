//! Closed first, and told that the rest is lost.
use avsluice::*;

fn case(flushing: Encoder<Cuda, encode::Flushing>) {
    flushing.abandon().free();
}

fn main() {}
