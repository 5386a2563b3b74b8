//! Flushed, and nobody takes the frames that come out.
#![deny(unused_must_use)]
use avsluice::*;

fn case(decoder: Decoder<Cuda>) -> Result<()> {
    decoder.flush()?;
    Ok(())
}

fn main() {}
