//! A decoder gives no pool: nvdec's own gives null pointers.
use avsluice::*;

fn case<'d>(decoder: &mut Decoder<'d, Cuda>) -> Result<Frame<'d, Cuda>> {
    decoder.pool().frame()
}

fn main() {}
