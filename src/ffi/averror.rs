//! FFmpeg's words for its error codes.

use super::bindings as ffi;
use std::ffi::CStr;

/// FFmpeg's words for a code (`av_strerror`), which for errno values are the C library's.
pub(crate) fn text(code: i32) -> String {
    let mut buffer = [0u8; 128];
    // SAFETY: the buffer is this frame's own and its size is passed; av_strerror terminates what it writes.
    let known = unsafe { ffi::av_strerror(code, buffer.as_mut_ptr().cast(), buffer.len()) };
    match CStr::from_bytes_until_nul(&buffer) {
        Ok(text) if known >= 0 && !text.is_empty() => text.to_string_lossy().into_owned(),
        _ => format!("error {code}"),
    }
}
