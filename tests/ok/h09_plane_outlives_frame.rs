//! It is read before.
use avsluice::*;

fn case(frame: Frame<Cuda>) -> u64 {
    let plane = frame.plane(0);
    let data = plane.data;
    drop(frame);
    data
}

fn main() {}
