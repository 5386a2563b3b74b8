//! An open encoder cannot be opened again.
use avsluice::*;

fn case(encoder: Encoder<Cuda>) {
    let _ = encoder.open();
}

fn main() {}
