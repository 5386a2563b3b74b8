//! A frame is written through the one `&mut` to it.
use avsluice::*;

/// Runs both at once.
fn join(_: impl FnOnce() + Send, _: impl FnOnce() + Send) {}

fn case(mut frame: Frame<Cuda>) {
    join(|| frame.set_pts(1), || frame.set_pts(2));
}

fn main() {}
