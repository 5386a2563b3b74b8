//! Its lines are.
use avsluice::*;

fn case(frame: &Frame<System>) -> usize {
    frame.plane(0).lines().map(<[u8]>::len).sum()
}

fn main() {}
