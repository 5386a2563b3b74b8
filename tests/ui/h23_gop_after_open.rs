//! The GOP size is set before `open`.
use avsluice::*;

fn case(encoder: Encoder<Cuda>) {
    let _ = encoder.gop_size(60);
}

fn main() {}
