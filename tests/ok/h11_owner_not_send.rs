//! Counted atomically.
use avsluice::*;
use std::sync::Arc;

/// # Safety
/// As `Device::from_cuda_context`.
unsafe fn case(context: cuda::Context, renderer: Arc<()>) -> Result<Device<Cuda>> {
    // SAFETY: by the caller's word.
    unsafe { Device::from_cuda_context(context, renderer) }
}

fn main() {}
