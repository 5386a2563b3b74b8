//! Rows end where the picture does.
use avsluice::*;

fn case(frame: &Frame<System>) -> usize {
    let plane = frame.plane(0);
    plane.lines().map(|row| row.len()).sum()
}

fn main() {}
