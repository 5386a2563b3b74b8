//! A decoded frame does.
use avsluice::*;

fn case<'d>(decoded: &Frame<'d, Cuda>) -> Result<Frame<'d, Cuda>> {
    decoded.pool().frame()
}

fn main() {}
