//! Moved to the thread that uses it.
use avsluice::*;

fn case(decoder: Decoder<Cuda>) {
    std::thread::scope(|scope| {
        scope.spawn(move || decoder.damaged());
    });
}

fn main() {}
