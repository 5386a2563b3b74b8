//! [`Packet`](crate::Packet) -> [`Frame`]: `Configured -> Opened -> Flushing -> Closed`.
//!
//! | state | what it is | what only it can do |
//! |---|---|---|
//! | [`Configured`] | plain data, no FFmpeg object | every setting; `open` |
//! | [`Opened`] | an open AVCodecContext | `send`, `receive`, `reset` after a seek; `flush` |
//! | [`Flushing`] | end of stream sent | `receive` to the end; `finish`, `abandon`, `reset` |
//! | [`Closed`] | codec closed, hardware released | `report`, `free` |

mod configured;
mod core;
mod damage;
mod frames;
mod opened;

pub use configured::{Configured, Surfaces};
pub use frames::Frames;
pub use opened::Opened;

use self::core::DecoderCore;
use crate::{
    DeviceMemory, Frame, Memory, System,
    codec::Codec as _,
    raw::{Kind, Scope, sealed},
};
use std::marker::PhantomData;

/// A decoder that yields `Y`: frames in one memory, or [`OrSystem`]. `S` is one of this module's four states.
#[must_use = "dropping a decoder discards the frames inside it: `flush` it, then `finish`"]
pub struct Decoder<'d, Y: Output, S: State = Opened> {
    state: S,
    _scope: Scope<'d, Y>,
}

crate::codec::states_behind_the_end! {
    Decoder<Y: Output>, DecoderCore, "frame", <'d> Y::Frame<'d>, Y::Frame<'static>,
    |frame| Y::wrap(sealed::Checked(frame)), lost: false
}

impl<'d, Y: Output> Decoder<'d, Y, Flushing> {
    /// Discards what is inside and takes packets again (avcodec_flush_buffers): a drained decoder is used for the next
    /// file of the same format, or from another place of this one.
    pub fn reset(mut self) -> Decoder<'d, Y> {
        self.state.core.reset();
        Decoder::with(Opened { core: self.state.core })
    }
}

/// A state of a [`Decoder`]. Sealed.
pub trait State: sealed::DecoderState {}
macro_rules! states { ($($s:ty),*) => {$( impl sealed::DecoderState for $s {} impl State for $s {} )*} }
states! { Configured, Opened, Flushing, Closed }

impl<'d, Y: Output, S: State> Decoder<'d, Y, S> {
    fn with(state: S) -> Self {
        Decoder { state, _scope: Scope::new() }
    }
}

/// What a decoder yields. Sealed.
pub trait Output: sealed::Output + 'static {
    /// The type of its frames.
    type Frame<'d>;
    #[doc(hidden)]
    fn wrap<'d>(frame: sealed::Checked) -> Self::Frame<'d>;
    /// Presentation time and duration.
    #[doc(hidden)]
    fn times(frame: &Self::Frame<'_>) -> (Option<i64>, i64);
}

impl<M: Memory> sealed::Output for M {
    const KIND: Kind = <M as sealed::Memory>::KIND;
    const OR_SYSTEM: bool = false;
}
impl<M: Memory> Output for M {
    type Frame<'d> = Frame<'d, M>;
    fn wrap<'d>(frame: sealed::Checked) -> Frame<'d, M> {
        Frame::from_raw(frame.0)
    }
    fn times(frame: &Frame<'_, M>) -> (Option<i64>, i64) {
        (frame.pts(), frame.duration())
    }
}

/// Frames in `M`, or in host memory where the device cannot decode the stream.
pub struct OrSystem<M>(PhantomData<fn() -> M>);

impl<M: DeviceMemory> sealed::Output for OrSystem<M> {
    const KIND: Kind = <M as sealed::Memory>::KIND;
    const OR_SYSTEM: bool = true;
}
impl<M: DeviceMemory> Output for OrSystem<M> {
    type Frame<'d> = Decoded<'d, M>;
    fn wrap<'d>(frame: sealed::Checked) -> Decoded<'d, M> {
        match frame.0.kind() {
            Some(Kind::System) => Decoded::System(Frame::from_raw(frame.0)),
            _ => Decoded::Device(Frame::from_raw(frame.0)),
        }
    }
    fn times(frame: &Decoded<'_, M>) -> (Option<i64>, i64) {
        match frame {
            Decoded::Device(frame) => (frame.pts(), frame.duration()),
            Decoded::System(frame) => (frame.pts(), frame.duration()),
        }
    }
}

/// A frame of a decoder that may fall back to software.
#[must_use]
#[derive(Debug)]
pub enum Decoded<'d, M: DeviceMemory> {
    /// Decoded by the device.
    Device(Frame<'d, M>),
    /// Decoded in software.
    System(Frame<'static, System>),
}

static_assertions::assert_not_impl_any!(Decoder<'static, crate::Any>: Sync, Clone);
static_assertions::assert_eq_size!(Decoder<'static, crate::Any>, *const ());
