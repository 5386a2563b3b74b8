//! Nothing sets hw_frames_ctx of an open encoder.
use avsluice::*;

fn case<'d>(encoder: &mut Encoder<'d, Cuda>, pool: &FramePool<'d, Cuda>) {
    encoder.set_pool(pool);
}

fn main() {}
