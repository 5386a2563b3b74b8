//! An encoder is used by one thread at a time.
use avsluice::*;

/// Runs both at once.
fn join(_: impl FnOnce() + Send, _: impl FnOnce() + Send) {}

fn case(encoder: &mut Encoder<Cuda>) {
    join(|| drop(encoder.receive()), || drop(encoder.receive()));
}

fn main() {}
