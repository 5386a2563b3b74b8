//! By one, then by the other.
use avsluice::*;

/// Runs both at once.
fn join(_: impl FnOnce() + Send, _: impl FnOnce() + Send) {}

fn case(encoder: &mut Encoder<Cuda>) {
    join(|| drop(encoder.receive()), || ());
    join(|| (), || drop(encoder.receive()));
}

fn main() {}
