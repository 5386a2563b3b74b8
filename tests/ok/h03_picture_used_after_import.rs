//! It says what it wants to keep before.
use avsluice::*;

fn case<P: cuda::Picture>(pool: &FramePool<Cuda>, picture: P) -> Result<(), Failed<P>> {
    let frame = pool.import(picture)?;
    drop(frame);
    Ok(())
}

fn main() {}
