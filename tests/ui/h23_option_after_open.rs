//! Options are set before `open`: later FFmpeg ignores them and says nothing.
use avsluice::*;

fn case(encoder: Encoder<Cuda>) {
    let _ = encoder.bit_rate(1_000_000);
}

fn main() {}
