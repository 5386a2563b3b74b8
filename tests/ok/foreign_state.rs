//! An application is generic over them.
use avsluice::*;

fn case<S: encode::State>(_: &Encoder<Cuda, S>) {}

fn main() {}
