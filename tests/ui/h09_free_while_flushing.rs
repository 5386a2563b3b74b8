//! The GPU still owes output: a flushing encoder cannot be freed.
use avsluice::*;

fn case(flushing: Encoder<Cuda, encode::Flushing>) {
    flushing.free();
}

fn main() {}
