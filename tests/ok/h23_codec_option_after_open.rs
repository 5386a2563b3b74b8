//! Changed before.
use avsluice::*;

fn case(mut encoder: Encoder<Cuda, encode::Configured<nvenc::H264>>) {
    *encoder.options_mut() = nvenc::H264::new();
}

fn main() {}
