//! A frame is written through the one `&mut` to it.
use avsluice::*;

fn case(mut frame: Frame<Cuda>) {
    std::thread::scope(|scope| {
        scope.spawn(|| frame.set_pts(1));
        scope.spawn(|| frame.set_pts(2));
    });
}

fn main() {}
