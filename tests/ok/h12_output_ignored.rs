//! Taken.
#![deny(unused_must_use)]
use avsluice::*;

fn case<'d>(encoder: &mut Encoder<'d, Cuda>, frame: Frame<'d, Cuda>) -> Result<()> {
    encoder.send(frame)?.try_for_each(|packet| packet.map(drop))
}

fn main() {}
