//! Added before.
use avsluice::*;

fn case(mut muxer: Muxer<mux::Configured>, encoder: &Encoder<Cuda>) {
    let _ = muxer.add(encoder);
}

fn main() {}
