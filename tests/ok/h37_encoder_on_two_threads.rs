//! Moved to the thread that uses it.
use avsluice::*;

fn case(encoder: Encoder<Cuda>) {
    std::thread::scope(|scope| {
        scope.spawn(move || encoder.in_flight());
    });
}

fn main() {}
