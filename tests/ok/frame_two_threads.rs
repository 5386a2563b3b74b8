//! Frames are `Sync`: through `&` they are only read, and their counts are atomic.
use avsluice::*;

fn case(frame: Frame<Cuda>) {
    std::thread::scope(|scope| {
        scope.spawn(|| frame.pts());
        scope.spawn(|| frame.try_clone().map(drop));
    });
}

fn main() {}
