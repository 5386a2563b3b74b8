//! Closed is closed.
use avsluice::*;

fn case(flushing: Encoder<Cuda, encode::Flushing>) {
    let _ = flushing.finish(Limit::default(), |_| Ok(()));
    flushing.abandon().free();
}

fn main() {}
