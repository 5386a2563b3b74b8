//! It is read on any number of threads.
use avsluice::*;

/// Runs both at once.
fn join(_: impl FnOnce() + Send, _: impl FnOnce() + Send) {}

fn case(mut frame: Frame<Cuda>) {
    frame.set_pts(1);
    join(|| assert!(frame.pts().is_some()), || assert!(frame.pts().is_some()));
}

fn main() {}
