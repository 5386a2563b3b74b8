//! Drained.
#![deny(unused_must_use)]
use avsluice::*;

fn case(decoder: Decoder<Cuda>) -> Result<()> {
    decoder.flush()?.finish(Limit::default(), |_| Ok(()))?.free();
    Ok(())
}

fn main() {}
