//! A closed encoder cannot be opened again: a context that was used has lost its options.
use avsluice::*;

fn case(closed: Encoder<Cuda, encode::Closed>) {
    let _ = closed.open();
}

fn main() {}
