//! The picture goes with the frame.
use avsluice::*;

struct Rendered;
// SAFETY: it has no plane that could be freed or change.
unsafe impl cuda::Picture for Rendered {
    fn planes(&self) -> &[(cuda::Pointer, usize)] {
        &[]
    }
}

fn case(pool: &FramePool<Cuda>, picture: Rendered) {
    let frame = pool.import(picture);
    drop(frame);
}

fn main() {}
