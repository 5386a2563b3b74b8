//! Drained, which closes it, then freed.
use avsluice::*;

fn case(encoder: Encoder<Cuda>) -> Result<()> {
    encoder.flush()?.finish(Limit::default(), |_| Ok(()))?.free();
    Ok(())
}

fn main() {}
