//! NVENC reads CUDA memory.
use avsluice::*;

fn case(pool: &FramePool<Cuda>, clock: TimeBase) {
    let _ = Encoder::new(pool, clock, nvenc::H264::new());
}

fn main() {}
