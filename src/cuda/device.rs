//! CUDA devices.

use super::{Context, Stream};
use crate::{Cuda, Device, Result, raw::backend};

impl Device<Cuda> {
    /// The CUDA device with this ordinal, on its primary context: the one that CUDA's run-time API and most libraries
    /// use.
    ///
    /// # Errors
    /// `DriverMissing` without the NVIDIA driver, `NoDevice` if it knows no such device.
    pub fn cuda(ordinal: u32) -> Result<Self> {
        backend::cuda::device(ordinal, true).map(Self::from_buffer)
    }
    /// The same on a context of its own, which shares nothing with other CUDA code of the process. Make one, and share
    /// it: a driver gives out about 65,000 contexts in the life of a process.
    ///
    /// # Errors
    /// As [`Device::cuda`].
    pub fn cuda_with_own_context(ordinal: u32) -> Result<Self> {
        backend::cuda::device(ordinal, false).map(Self::from_buffer)
    }
    /// The CUcontext, to run kernels in.
    pub fn context(&self) -> Context {
        Context(self.handles().0)
    }
    /// The CUstream that decoders and encoders of this device queue their work on.
    pub fn stream(&self) -> Stream {
        Stream(self.handles().1)
    }
    fn handles(&self) -> (*mut std::ffi::c_void, *mut std::ffi::c_void) {
        backend::cuda::handles(self.buffer()).unwrap_or((std::ptr::null_mut(), std::ptr::null_mut()))
    }
}

static_assertions::assert_impl_all!(Device<Cuda>: Send, Sync);
static_assertions::assert_not_impl_any!(Device<Cuda>: Clone);
