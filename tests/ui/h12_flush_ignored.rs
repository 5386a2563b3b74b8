//! Flushed, and nobody takes what comes out.
#![deny(unused_must_use)]
use avsluice::*;

fn case(encoder: Encoder<Cuda>) -> Result<()> {
    encoder.flush()?;
    Ok(())
}

fn main() {}
