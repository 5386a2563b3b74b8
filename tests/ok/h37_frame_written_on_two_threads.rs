//! One after the other.
use avsluice::*;

fn case(mut frame: Frame<Cuda>) {
    std::thread::scope(|scope| {
        scope.spawn(|| frame.set_pts(1));
    });
    std::thread::scope(|scope| {
        scope.spawn(|| frame.set_pts(2));
    });
}

fn main() {}
