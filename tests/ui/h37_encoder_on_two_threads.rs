//! An encoder is used by one thread at a time.
use avsluice::*;

fn case(encoder: Encoder<Cuda>) {
    std::thread::scope(|scope| {
        scope.spawn(|| encoder.in_flight());
    });
}

fn main() {}
