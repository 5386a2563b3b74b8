//! Generic over memory and codec.
use avsluice::*;

fn case<'d, M: Memory, O: encode::Encodes<M>>(
    pool: &FramePool<'d, M>,
    clock: TimeBase,
    options: O,
) -> Result<Encoder<'d, M>> {
    Ok(Encoder::new(pool, clock, options).bit_rate(1).open()?)
}

fn main() {}
