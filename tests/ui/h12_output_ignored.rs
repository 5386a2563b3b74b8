//! Sent, and nobody takes the packets that are ready.
#![deny(unused_must_use)]
use avsluice::*;

fn case<'d>(encoder: &mut Encoder<'d, Cuda>, frame: Frame<'d, Cuda>) -> Result<()> {
    encoder.send(frame)?;
    Ok(())
}

fn main() {}
