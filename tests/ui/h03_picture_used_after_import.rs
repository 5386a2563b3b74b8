//! What NVENC registers is moved into the frame: the application cannot free it first.
use avsluice::*;

fn case<P: cuda::Picture>(pool: &FramePool<Cuda>, picture: P) -> Result<(), Failed<P>> {
    let _frame = pool.import(picture)?;
    drop(picture);
    Ok(())
}

fn main() {}
