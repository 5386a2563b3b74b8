//! The pool goes first.
use avsluice::*;

fn case(device: Device<Cuda>, format: Format) -> Result<()> {
    let pool = FramePool::new(&device, format)?;
    drop(pool);
    drop(device);
    Ok(())
}

fn main() {}
