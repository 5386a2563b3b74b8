//! Owners of FFmpeg's objects, with safe methods: the only layer besides [`crate::ffi`] with `unsafe` code.
//!
//! An owner frees its object once, in `Drop`, with the function that FFmpeg gives for it. Methods that FFmpeg allows in one
//! state of the object only take `&mut self` or are called by the typestate layers above, which know the state.

pub(crate) mod avcodec;
pub(crate) mod avformat;
pub(crate) mod avutil;
pub(crate) mod backend;
#[cfg(all(avsluice_canaries, target_os = "linux"))]
mod canary;
pub(crate) mod log;
pub(crate) mod recycle;
mod strings;
pub(crate) mod version;

pub(crate) use avcodec::{context::CodecContext, packet::RawPacket};
pub(crate) use avutil::{buffer::BufferRef, frame::RawFrame};
pub(crate) use backend::Kind;

use crate::{
    error::{Error, Result, line::Line},
    ffi,
};
use std::{ffi::CString, marker::PhantomData};

/// Ties a value to `'d`. It implements `Drop` on purpose: only then does the borrow checker ask that the device is alive when
/// the value is dropped; `PhantomData` alone does not. Covariant in `'d`, and without a say in auto traits.
pub(crate) struct Scope<'d, T: ?Sized>(PhantomData<(&'d (), fn() -> T)>);

impl<T: ?Sized> Scope<'_, T> {
    pub(crate) const fn new() -> Self {
        Scope(PhantomData)
    }
}
impl<T: ?Sized> Drop for Scope<'_, T> {
    fn drop(&mut self) {}
}

/// One seal for each trait: with a single one the compiler lists every sealed type of the crate in its errors.
pub(crate) mod sealed {
    use super::{BufferRef, Kind, backend::Backend};

    pub trait Memory {
        const KIND: Kind;
    }
    pub trait DeviceMemory {
        const BACKEND: &'static dyn Backend;
    }
    /// What can be built on gives the device's reference, if it has a device.
    pub trait AsDevice {
        #[doc(hidden)]
        fn as_device(&self) -> Option<&BufferRef>;
    }
    /// A frame whose memory the decoder has checked.
    pub struct Checked(pub(crate) super::RawFrame);
    /// What a decoder yields.
    pub trait Output {
        const KIND: Kind;
        const OR_SYSTEM: bool;
    }
    pub trait EncoderState {}
    pub trait DecoderState {}
    pub trait MuxerState {}
}

/// What every first call into FFmpeg goes through: the log is captured, and a library of another major version than the
/// headers' is refused before a single structure of it is touched.
pub(crate) fn enter() -> Result<()> {
    log::install();
    version::check()
}

/// Runs an FFmpeg call with its log captured; a negative value becomes an error that holds the lines.
pub(crate) fn check(operation: &'static str, call: impl FnOnce() -> i32) -> Result<i32> {
    let capture = log::Capture::start();
    let code = call();
    if code < 0 {
        return Err(ffmpeg_error(operation, code, capture.lines()));
    }
    Ok(code)
}

/// The error of an FFmpeg call: its negative return value with what was logged meanwhile, which tells more than the
/// value does.
pub(crate) fn ffmpeg_error(operation: &'static str, code: i32, log: Vec<Line>) -> Error {
    let patterns = backend::all().flat_map(|backend| backend.patterns());
    Error::ffmpeg(operation, code, log, patterns)
}

/// A string for C. A NUL inside cannot be passed on.
pub(crate) fn c_string(name: &str, value: &str) -> Result<CString> {
    CString::new(value).map_err(|_| Error::invalid(name, format!("{name} contains a NUL byte")))
}

/// Out of memory in one of FFmpeg's allocators, which return null and say nothing.
pub(crate) fn out_of_memory(operation: &'static str) -> Error {
    ffmpeg_error(operation, ffi::AVERROR_ENOMEM, Vec::new())
}
