//! Memory that another process may write is taken for bytes of this one.
use avsluice::*;

fn case(mapped: &Mapped<'_>) -> u8 {
    let Some(plane) = mapped.plane(0) else { return 0 };
    let row: &[u8] = plane.data.get(0).unwrap();
    row[0]
}

fn main() {}
