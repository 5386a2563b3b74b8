//! Drained.
#![deny(unused_must_use)]
use avsluice::*;

fn case(encoder: Encoder<Cuda>) -> Result<()> {
    encoder.flush()?.finish(Limit::default(), |_| Ok(()))?.free();
    Ok(())
}

fn main() {}
