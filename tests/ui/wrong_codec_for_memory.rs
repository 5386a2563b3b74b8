//! libx264 reads host memory.
use avsluice::*;

fn case(pool: &FramePool<Cuda>, clock: TimeBase) {
    let _ = Encoder::new(pool, clock, x264::H264::new());
}

fn main() {}
