//! It is copied.
use avsluice::*;

fn case(mapped: &Mapped<'_>) -> u8 {
    let Some(plane) = mapped.plane(0) else { return 0 };
    let mut row = vec![0; plane.row_bytes];
    plane.data.copy(0, &mut row);
    row[0]
}

fn main() {}
