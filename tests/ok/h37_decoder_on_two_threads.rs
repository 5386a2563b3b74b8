//! By one, then by the other.
use avsluice::*;

/// Runs both at once.
fn join(_: impl FnOnce() + Send, _: impl FnOnce() + Send) {}

fn case(decoder: &mut Decoder<Cuda>) {
    join(|| drop(decoder.receive()), || ());
    join(|| (), || drop(decoder.receive()));
}

fn main() {}
