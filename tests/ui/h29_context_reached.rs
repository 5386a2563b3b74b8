//! The AVCodecContext cannot be reached: nothing changes it under the codec.
use avsluice::*;

fn case(encoder: &mut Encoder<Cuda>) {
    let _ = &mut encoder.state;
}

fn main() {}
