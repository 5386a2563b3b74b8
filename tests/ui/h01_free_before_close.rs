//! Only a closed encoder can be freed: freeing an open one loses what is inside.
use avsluice::*;

fn case(encoder: Encoder<Cuda>) {
    encoder.free();
}

fn main() {}
