//! Shared and counted.
use avsluice::*;

/// # Safety
/// As `Device::from_cuda_context`.
unsafe fn case(context: cuda::Context, renderer: &std::sync::Arc<()>) -> Result<Device<Cuda>> {
    // SAFETY: by the caller's word.
    unsafe { Device::from_cuda_context(context, renderer.clone()) }
}

fn main() {}
