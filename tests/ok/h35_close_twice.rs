//! Closed once.
use avsluice::*;

fn case(flushing: Encoder<Cuda, encode::Flushing>) {
    if let Err(failed) = flushing.finish(Limit::default(), |_| Ok(())) {
        failed.into_value().abandon().free();
    }
}

fn main() {}
