//! Names of errors.

use crate::api::Out;
use crate::status::{Status, cu};
use std::ffi::{CStr, c_char};

fn name(error: u32) -> Option<&'static CStr> {
    Some(match Status(error) {
        Status(0) => c"CUDA_SUCCESS",
        cu::INVALID_VALUE => c"CUDA_ERROR_INVALID_VALUE",
        cu::OUT_OF_MEMORY => c"CUDA_ERROR_OUT_OF_MEMORY",
        cu::NOT_INITIALIZED => c"CUDA_ERROR_NOT_INITIALIZED",
        cu::NO_DEVICE => c"CUDA_ERROR_NO_DEVICE",
        cu::INVALID_DEVICE => c"CUDA_ERROR_INVALID_DEVICE",
        cu::INVALID_IMAGE => c"CUDA_ERROR_INVALID_IMAGE",
        cu::INVALID_CONTEXT => c"CUDA_ERROR_INVALID_CONTEXT",
        cu::MAP_FAILED => c"CUDA_ERROR_MAP_FAILED",
        cu::INVALID_HANDLE => c"CUDA_ERROR_INVALID_HANDLE",
        cu::NOT_FOUND => c"CUDA_ERROR_NOT_FOUND",
        cu::NOT_READY => c"CUDA_ERROR_NOT_READY",
        cu::ILLEGAL_ADDRESS => c"CUDA_ERROR_ILLEGAL_ADDRESS",
        cu::PRIMARY_CONTEXT_ACTIVE => c"CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE",
        cu::CONTEXT_IS_DESTROYED => c"CUDA_ERROR_CONTEXT_IS_DESTROYED",
        cu::LAUNCH_FAILED => c"CUDA_ERROR_LAUNCH_FAILED",
        cu::NOT_SUPPORTED => c"CUDA_ERROR_NOT_SUPPORTED",
        cu::UNKNOWN => c"CUDA_ERROR_UNKNOWN",
        _ => return None,
    })
}

fn tell(error: u32, text: Out<*const c_char>) -> Result<(), Status> {
    match name(error) {
        Some(found) => text.set(found.as_ptr()),
        None => {
            text.set(std::ptr::null())?;
            Err(cu::INVALID_VALUE)
        }
    }
}

api! { export;
    /// Where it fails there is no text.
    fn cuGetErrorName(error: u32, text: Out<*const c_char>) failing { text.set_if_wanted(std::ptr::null()) } {
        tell(error, text)
    }

    /// The real driver has a sentence here; the name says as much.
    fn cuGetErrorString(error: u32, text: Out<*const c_char>) failing { text.set_if_wanted(std::ptr::null()) } {
        tell(error, text)
    }
}
