//! It goes with it.
use avsluice::*;

struct Renderer(cuda::Context);
// SAFETY: a CUcontext is a handle, which any thread may use.
unsafe impl Send for Renderer {}
// SAFETY: as above.
unsafe impl Sync for Renderer {}

/// # Safety
/// The renderer's context is live.
unsafe fn case(renderer: Renderer) -> Result<()> {
    // SAFETY: by the caller's word.
    let device = unsafe { Device::from_cuda_context(renderer.0, renderer) }?;
    drop(device);
    Ok(())
}

fn main() {}
