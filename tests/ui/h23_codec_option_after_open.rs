//! The codec's own options cannot be reached once it is open.
use avsluice::*;

fn case(mut encoder: Encoder<Cuda>) {
    *encoder.options_mut() = nvenc::H264::new();
}

fn main() {}
