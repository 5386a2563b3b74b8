//! Where pixels live: one type for each kind of memory. The set is closed, and `backends!` is its one list.

use crate::{
    Frame,
    raw::{
        Kind,
        backend::{self, Backend},
        sealed,
    },
};

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

/// A kind chosen at run time. What the types check elsewhere, `send` checks here.
#[derive(Debug)]
pub enum Any {}

/// The public side of each backend: the type of its memory, and the variant for a frame that is sorted.
macro_rules! backends {
    ($($(#[$type_doc:meta])* $name:ident = $backend:path, $(#[$variant_doc:meta])* ;)*) => {
        $(
            $(#[$type_doc])*
            #[derive(Debug)]
            pub enum $name {}
            impl sealed::Memory for $name {
                const KIND: Kind = Kind::Device(<Self as sealed::DeviceMemory>::BACKEND);
            }
            impl sealed::DeviceMemory for $name {
                const BACKEND: &'static dyn Backend = &$backend;
            }
            impl Memory for $name {}
            impl Concrete for $name {}
            impl DeviceMemory for $name {}
        )*

        /// A frame whose memory was known at run time only, sorted.
        #[non_exhaustive]
        #[derive(Debug)]
        pub enum AnyFrame<'d> {
            /// In host memory: a frame's own, or a device's that is [mapped](Frame::map).
            System(Frame<'d, System>),
            $($(#[$variant_doc])* $name(Frame<'d, $name>),)*
        }

        impl<'d> Frame<'d, Any> {
            /// Sorts it by the memory that it is in.
            pub fn into_kind(self) -> AnyFrame<'d> {
                match self.raw.kind() {
                    $(Some(kind) if kind == <$name as sealed::Memory>::KIND => AnyFrame::$name(Frame::from_raw(self.raw)),)*
                    _ => AnyFrame::System(Frame::from_raw(self.raw)),
                }
            }
        }
    };
}

backends! {
    /// CUDA device memory (`AV_PIX_FMT_CUDA`).
    Cuda = backend::cuda::Backend,
    /// In CUDA memory.
    ;
    /// VA-API surfaces (`AV_PIX_FMT_VAAPI`).
    Vaapi = backend::vaapi::Backend,
    /// In a VA-API surface.
    ;
}

impl sealed::Memory for System {
    const KIND: Kind = Kind::System;
}
impl Memory for System {}
impl Concrete for System {}

impl sealed::Memory for Any {
    const KIND: Kind = Kind::Any;
}
impl Memory for Any {}
