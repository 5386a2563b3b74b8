//! A device pointer is read after the frame that owns the memory is gone.
use avsluice::*;

fn case(frame: Frame<Cuda>) -> u64 {
    let plane = frame.plane(0);
    drop(frame);
    plane.data
}

fn main() {}
