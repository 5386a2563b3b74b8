//! An open encoder that nobody keeps is dropped with what is inside.
#![deny(unused_must_use)]
use avsluice::*;

fn case(encoder: Encoder<Cuda, encode::Configured<nvenc::H264>>) -> Result<()> {
    encoder.open()?;
    Ok(())
}

fn main() {}
