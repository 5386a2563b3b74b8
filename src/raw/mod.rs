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

pub(crate) use avcodec::{context::CodecContext, packet::PacketShell};
pub(crate) use avutil::{buffer::BufferRef, frame::FrameShell};

use crate::{
    error::{Error, Result},
    ffi,
};
use std::{ffi::CString, fmt, marker::PhantomData};

/// A kind of frame memory at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Host memory.
    System,
    /// CUDA device memory.
    Cuda,
    /// VA-API surfaces.
    Vaapi,
    /// Not known before a frame is seen.
    Any,
}

impl Kind {
    /// Whether the device has no queue to wait for, so that each frame in flight is waited for by itself.
    pub(crate) fn is_awaited_by_frame(self) -> bool {
        self == Kind::Vaapi
    }
    /// Whether each frame that is kept takes one of the decoder's own surfaces, of which there is a fixed number.
    pub(crate) fn is_lent_by_the_decoder(self) -> bool {
        self == Kind::Vaapi
    }
    /// Such frames that a consumer holds: an encoder with B-frames and a few pictures in work.
    pub(crate) fn held_by_default(self) -> u32 {
        if self.is_lent_by_the_decoder() { 8 } else { 0 }
    }
    /// Whether an encoder's driver knows a frame's memory by its address for as long as the encoder is open, so that its pool is kept so long.
    pub(crate) fn is_registered_by_address(self) -> bool {
        self == Kind::Cuda
    }
    /// Whether FFmpeg's encoders crash where the device has no room for a frame more.
    pub(crate) fn crashes_without_room(self) -> bool {
        cfg!(vaapi_encoders_crash_without_room) && self == Kind::Vaapi
    }
    /// The kind whose frames have this pixel format of FFmpeg's, if they lie in the memory of a device that avsluice knows.
    pub(crate) fn of_hardware(format: ffi::AVPixelFormat) -> Option<Self> {
        [Kind::Cuda, Kind::Vaapi].into_iter().find(|kind| kind.hardware_format() == Some(format))
    }
    /// FFmpeg's pixel format of frames in this memory, where it has one of its own.
    pub(crate) fn hardware_format(self) -> Option<ffi::AVPixelFormat> {
        match self {
            Kind::Cuda => Some(ffi::AV_PIX_FMT_CUDA),
            Kind::Vaapi => Some(ffi::AV_PIX_FMT_VAAPI),
            Kind::System | Kind::Any => None,
        }
    }
}

/// A kind of hardware device at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// AV_HWDEVICE_TYPE_CUDA.
    Cuda,
    /// AV_HWDEVICE_TYPE_VAAPI.
    Vaapi,
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DeviceKind::Cuda => "CUDA",
            DeviceKind::Vaapi => "VA-API",
        })
    }
}

impl DeviceKind {
    /// What FFmpeg itself is known to leave alive, for the error that says that something is.
    pub(crate) fn known_leak(self) -> &'static str {
        match self {
            DeviceKind::Cuda => "",
            // FFmpeg 7's libavcodec is 61.
            DeviceKind::Vaapi if version::libavcodec_version().0 != 61 => "",
            DeviceKind::Vaapi => {
                "; FFmpeg 7.1 leaks one with every vaapi encoder that it closes, which is a defect of that version"
            }
        }
    }
    /// What FFmpeg's configure script is told to have it.
    fn configure_flag(self) -> &'static str {
        match self {
            DeviceKind::Cuda => "--enable-ffnvcodec",
            DeviceKind::Vaapi => "--enable-vaapi",
        }
    }
    pub(crate) fn ffmpeg(self) -> ffi::AVHWDeviceType {
        match self {
            DeviceKind::Cuda => ffi::AV_HWDEVICE_TYPE_CUDA,
            DeviceKind::Vaapi => ffi::AV_HWDEVICE_TYPE_VAAPI,
        }
    }
}

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
    use super::{BufferRef, DeviceKind, Kind};

    pub trait Memory {
        const KIND: Kind;
    }
    pub trait DeviceMemory {
        const DEVICE: DeviceKind;
    }
    /// What can be built on gives the device's reference, if it has a device.
    pub trait Lend {
        #[doc(hidden)]
        fn lend(&self) -> Option<&BufferRef>;
    }
    /// A frame whose memory the decoder has checked.
    pub struct Checked(pub(crate) super::FrameShell);
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
        return Err(Error::ffmpeg(operation, code, capture.lines()));
    }
    Ok(code)
}

/// A string for C. A NUL inside cannot be passed on.
pub(crate) fn c_string(name: &str, value: &str) -> Result<CString> {
    CString::new(value).map_err(|_| Error::invalid(name, format!("{name} contains a NUL byte")))
}

/// Out of memory in one of FFmpeg's allocators, which return null and say nothing.
pub(crate) fn out_of_memory(operation: &'static str) -> Error {
    Error::ffmpeg(operation, ffi::AVERROR_ENOMEM, Vec::new())
}
