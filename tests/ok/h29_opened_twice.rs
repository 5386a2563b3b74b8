//! Opened once.
use avsluice::*;

fn case(encoder: Encoder<Cuda, encode::Configured<nvenc::H264>>) {
    let _ = encoder.open();
}

fn main() {}
