//! A demuxer is used by one thread at a time.
use avsluice::*;

fn case(input: Demuxer) {
    std::thread::scope(|scope| {
        scope.spawn(|| input.format());
    });
}

fn main() {}
