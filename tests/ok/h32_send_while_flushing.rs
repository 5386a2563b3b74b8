//! It gives packets.
use avsluice::*;

fn case<'d>(mut flushing: Encoder<'d, Cuda, encode::Flushing>) {
    let _ = flushing.receive();
}

fn main() {}
