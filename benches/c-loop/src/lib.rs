//! What avsluice is compared with: loops with FFmpeg in C, as its own examples have them.

// Linked for FFmpeg's libraries alone.
use avsluice as _;
use std::{
    ffi::{CString, c_char, c_int},
    io,
    os::unix::ffi::OsStrExt,
    path::Path,
};

/// What came out of the encoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Counts {
    /// Packets.
    pub packets: i64,
    /// Their bytes.
    pub bytes: i64,
}

unsafe extern "C" {
    fn c_loop_run(path: *const c_char, most: i64, bit_rate: i64, counts: *mut Counts) -> c_int;
    fn c_loop_vaapi(node: *const c_char, pictures: c_int, b_frames: c_int, references: *mut c_int) -> c_int;
}

/// Decodes the first `most` packets of a file's video with one thread and encodes it as MPEG-4 with one thread.
///
/// # Errors
/// FFmpeg's error code, in words for a person who measures: nothing else reads it.
pub fn run(path: &Path, most: usize, bit_rate: i64) -> io::Result<Counts> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut counts = Counts::default();
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    // SAFETY: the path is a terminated string and the counts are ours, both for as long as the call; loop.h declares the same.
    match unsafe { c_loop_run(path.as_ptr(), most, bit_rate, &mut counts) } {
        0.. => Ok(counts),
        code => Err(io::Error::other(format!("the C loop failed with AVERROR {code}"))),
    }
}

/// Encodes some pictures with h264_vaapi on the GPU of a DRM node, drains and frees, whatever errors there are on the way: packets, and
/// references to the device before the last goes, which is one if nothing leaks.
///
/// This is what a program without avsluice's guards does: it may crash or abort. Run it in a process of its own.
///
/// # Errors
/// As [`run`].
pub fn vaapi(node: &str, pictures: i32, b_frames: i32) -> io::Result<(i32, i32)> {
    let node = CString::new(node)?;
    let mut references = 0;
    // SAFETY: the node is a terminated string and the count is ours, both for as long as the call; vaapi.h declares the same.
    match unsafe { c_loop_vaapi(node.as_ptr(), pictures, b_frames, &mut references) } {
        packets @ 0.. => Ok((packets, references)),
        code => Err(io::Error::other(format!("the C loop failed with AVERROR {code}"))),
    }
}
