//! Set before.
use avsluice::*;

fn case(encoder: Encoder<Cuda, encode::Configured<nvenc::H264>>) {
    let _ = encoder.bit_rate(1_000_000);
}

fn main() {}
