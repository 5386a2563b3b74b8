//! A decoder is used by one thread at a time.
use avsluice::*;

/// Runs both at once.
fn join(_: impl FnOnce() + Send, _: impl FnOnce() + Send) {}

fn case(decoder: &mut Decoder<Cuda>) {
    join(|| drop(decoder.receive()), || drop(decoder.receive()));
}

fn main() {}
