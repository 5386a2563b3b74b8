//! The bytes between a picture's rows, which a decoder may never have written, are read with the rows.
use avsluice::*;

fn case(frame: &Frame<System>) -> usize {
    let plane = frame.plane(0);
    plane.data.chunks(plane.pitch).map(|row| row[plane.row_bytes..].len()).sum()
}

fn main() {}
