//! What NVENC registers is moved into the frame: the application cannot free it first.
use avsluice::*;

struct Rendered;
unsafe impl cuda::Picture for Rendered {
    fn planes(&self) -> &[(cuda::Pointer, usize)] {
        &[]
    }
}

fn case(pool: &FramePool<Cuda>, picture: Rendered) {
    let _frame = pool.import(picture);
    drop(picture);
}

fn main() {}
