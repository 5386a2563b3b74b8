//! The owner of an adopted CUcontext was moved in: it cannot go before the device.
use avsluice::*;

struct Renderer(cuda::Context);
unsafe impl Send for Renderer {}
unsafe impl Sync for Renderer {}

unsafe fn case(renderer: Renderer) -> Result<()> {
    let device = unsafe { Device::from_cuda_context(renderer.0, renderer) }?;
    drop(renderer);
    drop(device);
    Ok(())
}

fn main() {}
