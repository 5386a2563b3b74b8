//! The context's owner is dropped on whichever thread drops the device last: it may not count without atomics.
use avsluice::*;
use std::rc::Rc;

unsafe fn case(context: cuda::Context, renderer: Rc<()>) -> Result<Device<Cuda>> {
    unsafe { Device::from_cuda_context(context, renderer) }
}

fn main() {}
