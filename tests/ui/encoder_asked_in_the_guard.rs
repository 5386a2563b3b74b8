//! The match on `send` still borrows the encoder in its guards: the packets may be in it.
use avsluice::*;

fn case<'d>(encoder: &mut Encoder<'d, Cuda>, frame: Frame<'d, Cuda>) -> usize {
    match encoder.send(frame) {
        Ok(packets) => packets.count(),
        Err(_) if encoder.poisoned().is_some() => 0,
        Err(_) => 1,
    }
}

fn main() {}
