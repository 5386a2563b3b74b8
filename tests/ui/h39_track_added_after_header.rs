//! Tracks are added before the header is written.
use avsluice::*;

fn case(mut muxer: Muxer, encoder: &Encoder<Cuda>) {
    let _ = muxer.add(encoder);
}

fn main() {}
