//! A plane is no slice: its pitch is not its width.
use avsluice::*;

fn case(frame: &Frame<System>) -> usize {
    let luma: &[u8] = frame.plane(0);
    luma.len()
}

fn main() {}
