//! CUDA handles, without a dependency on any CUDA crate.

use std::ffi::c_void;

/// A CUcontext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context(pub *mut c_void);

/// A CUstream; null is the default stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream(pub *mut c_void);

/// A CUdeviceptr.
pub type Pointer = u64;

pub use crate::raw::cuda::Picture;
