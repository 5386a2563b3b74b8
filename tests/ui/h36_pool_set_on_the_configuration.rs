//! An encoder's pool is what it was made for: nothing sets hw_frames_ctx again.
use avsluice::*;

fn case<'d>(encoder: Encoder<'d, Cuda, encode::Configured<nvenc::H264>>, pool: &FramePool<'d, Cuda>) {
    let _ = encoder.pool(pool);
}

fn main() {}
