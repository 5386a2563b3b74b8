//! Another pool, another encoder.
use avsluice::*;

fn case<'d>(encoder: &mut Encoder<'d, Cuda>, pool: &FramePool<'d, Cuda>, clock: TimeBase) -> Result<()> {
    let old = std::mem::replace(encoder, Encoder::new(pool, clock, nvenc::H264::new()).open()?);
    old.flush()?.finish(Limit::default(), |_| Ok(()))?.free();
    Ok(())
}

fn main() {}
