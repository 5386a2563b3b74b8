//! How many surfaces a decoder has is settled by `open`.
use avsluice::*;

fn case(decoder: Decoder<Cuda>) {
    let _ = decoder.extra_frames(4);
}

fn main() {}
