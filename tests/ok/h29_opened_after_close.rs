//! A new one is.
use avsluice::*;

fn case(closed: Encoder<Cuda, encode::Closed>, next: Encoder<Cuda, encode::Configured<nvenc::H264>>) {
    closed.free();
    let _ = next.open();
}

fn main() {}
