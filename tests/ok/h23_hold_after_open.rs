//! Said before.
use avsluice::*;

fn case(decoder: Decoder<Cuda, decode::Configured>) {
    let _ = decoder.hold(4);
}

fn main() {}
