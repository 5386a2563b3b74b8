//! Chosen with it.
use avsluice::*;

/// # Safety
/// As `Device::from_cuda_stream`.
unsafe fn case(context: cuda::Context, stream: cuda::Stream, owner: std::sync::Arc<()>) -> Result<Device<Cuda>> {
    // SAFETY: by the caller's word.
    unsafe { Device::from_cuda_stream(context, stream, owner) }
}

fn main() {}
