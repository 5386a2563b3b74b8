//! A decoder is used by one thread at a time.
use avsluice::*;

fn case(decoder: Decoder<Cuda>) {
    std::thread::scope(|scope| {
        scope.spawn(|| decoder.damaged());
    });
}

fn main() {}
