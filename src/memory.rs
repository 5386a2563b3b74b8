//! Where pixels live: one type for each kind of memory. The set is closed.

use crate::{
    Frame,
    raw::{self, sealed},
};
use std::fmt;

/// A kind of frame memory, or [`Any`]. Sealed: `match`es over kinds may be exhaustive.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a kind of frame memory",
    note = "the kinds are System, Cuda, Vaapi, and Any for one chosen at run time"
)]
pub trait Memory: sealed::Memory + Send + 'static {}

/// A kind known at compile time: everything but [`Any`].
pub trait Concrete: Memory {}

/// A kind that a [`Device`](crate::Device) owns.
pub trait DeviceMemory: Concrete + sealed::DeviceMemory {}

/// Host memory. It needs no device, so the value itself stands where a device is asked for:
/// `Decoder::new(System, &stream)`.
#[derive(Clone, Copy, Debug)]
pub struct System;

/// CUDA device memory (`AV_PIX_FMT_CUDA`).
#[derive(Debug)]
pub enum Cuda {}

/// VA-API surfaces (`AV_PIX_FMT_VAAPI`).
#[derive(Debug)]
pub enum Vaapi {}

/// A kind chosen at run time. What the types check elsewhere, `send` checks here.
#[derive(Debug)]
pub enum Any {}

/// Implements the seals of one kind of device memory: the only place where a kind meets FFmpeg's names for it.
macro_rules! device_memory {
    ($kind:ident, $pixels:ident, $device:ident) => {
        impl sealed::Memory for $kind {
            const KIND: raw::Kind = raw::Kind::$pixels;
        }
        impl Memory for $kind {}
        impl Concrete for $kind {}
        impl sealed::DeviceMemory for $kind {
            const DEVICE: raw::DeviceKind = raw::DeviceKind::$device;
        }
        impl DeviceMemory for $kind {}
    };
}
device_memory!(Cuda, Cuda, Cuda);
device_memory!(Vaapi, Vaapi, Vaapi);

impl sealed::Memory for System {
    const KIND: raw::Kind = raw::Kind::System;
}
impl Memory for System {}
impl Concrete for System {}

impl sealed::Memory for Any {
    const KIND: raw::Kind = raw::Kind::Any;
}
impl Memory for Any {}

impl fmt::Display for raw::Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            raw::Kind::System => "system memory",
            raw::Kind::Cuda => "CUDA memory",
            raw::Kind::Vaapi => "VA-API surfaces",
            raw::Kind::Any => "any memory",
        })
    }
}

/// A frame whose memory was known at run time only, sorted.
#[non_exhaustive]
#[derive(Debug)]
pub enum AnyFrame<'d> {
    /// In host memory: a frame's own, or a device's that is [mapped](Frame::map).
    System(Frame<'d, System>),
    /// In CUDA memory.
    Cuda(Frame<'d, Cuda>),
    /// In a VA-API surface.
    Vaapi(Frame<'d, Vaapi>),
}

impl<'d> Frame<'d, Any> {
    /// Sorts it by the memory that it is in.
    pub fn into_kind(self) -> AnyFrame<'d> {
        match self.shell.kind() {
            Some(raw::Kind::Cuda) => AnyFrame::Cuda(Frame::from_shell(self.shell)),
            Some(raw::Kind::Vaapi) => AnyFrame::Vaapi(Frame::from_shell(self.shell)),
            _ => AnyFrame::System(Frame::from_shell(self.shell)),
        }
    }
}
