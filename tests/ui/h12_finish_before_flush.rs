//! Only what was told its end can be drained to it.
use avsluice::*;

fn case(encoder: Encoder<Cuda>) {
    let _ = encoder.finish(Limit::default(), |_| Ok(()));
}

fn main() {}
