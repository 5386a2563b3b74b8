//! Flushed first.
use avsluice::*;

fn case(encoder: Encoder<Cuda>) -> Result<()> {
    let _ = encoder.flush()?.finish(Limit::default(), |_| Ok(()));
    Ok(())
}

fn main() {}
