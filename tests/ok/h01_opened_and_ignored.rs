//! Kept, and drained.
#![deny(unused_must_use)]
use avsluice::*;

fn case(encoder: Encoder<Cuda, encode::Configured<nvenc::H264>>) -> Result<()> {
    let encoder = encoder.open()?;
    encoder.flush()?.finish(Limit::default(), |_| Ok(()))?.free();
    Ok(())
}

fn main() {}
