//! Moved to the thread that uses it.
use avsluice::*;

fn case(input: Demuxer) {
    std::thread::scope(|scope| {
        scope.spawn(move || input.format());
    });
}

fn main() {}
