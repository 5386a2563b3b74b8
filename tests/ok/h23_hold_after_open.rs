//! Said before.
use avsluice::*;

fn case(decoder: Decoder<Cuda, decode::Configured>) {
    let _ = decoder.extra_frames(4);
}

fn main() {}
