//! FFmpeg's names of things that it counts.

use super::bindings as ffi;
use std::ffi::CStr;

/// FFmpeg's name of a codec id (avcodec_get_name).
pub(crate) fn codec(id: ffi::AVCodecID) -> &'static str {
    // SAFETY: any id may be asked for; the result is a static terminated string.
    unsafe { CStr::from_ptr(ffi::avcodec_get_name(id)) }.to_str().unwrap_or("unknown")
}
