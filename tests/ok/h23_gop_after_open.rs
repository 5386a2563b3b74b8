//! Set before.
use avsluice::*;

fn case(encoder: Encoder<Cuda, encode::Configured<nvenc::H264>>) {
    let _ = encoder.gop_size(60);
}

fn main() {}
