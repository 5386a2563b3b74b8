//! Another pool, another encoder.
use avsluice::*;

fn case<'d>(pool: &FramePool<'d, Cuda>, clock: TimeBase) {
    let _ = Encoder::new(pool, clock, nvenc::H264::new());
}

fn main() {}
