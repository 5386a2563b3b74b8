//! The owner of an adopted CUcontext cannot be lent.
use avsluice::*;

unsafe fn case(context: cuda::Context, renderer: &()) -> Result<Device<Cuda>> {
    unsafe { Device::from_cuda_context(context, renderer) }
}

fn main() {}
