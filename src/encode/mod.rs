//! [`Frame`](crate::Frame) -> [`Packet`]: `Configured -> Opened -> Flushing -> Closed`.
//!
//! | state | what it is | what only it can do |
//! |---|---|---|
//! | [`Configured`] | plain data, no FFmpeg object | every setting; `open` |
//! | [`Opened`] | an open AVCodecContext | `send`, `receive`, live settings; `flush` |
//! | [`Flushing`] | end of stream sent | `receive` to the end; `finish`, `abandon` |
//! | [`Closed`] | codec closed, hardware released | `report`, `free` |

mod configured;
mod core;
mod intake;
mod opened;
mod options;
mod reorder;

pub use crate::codec::Ready;
pub use crate::types::setting::Setting;
pub use configured::Configured;
pub use opened::Opened;
pub use options::{Encodes, Named, Options};

use self::core::EncoderCore;
use crate::{
    Concrete, Memory, Packet,
    codec::Codec as _,
    raw::{CodecContext, Scope, avutil::picture::Picture, sealed},
    types::{facts::Origin, time::Ratio},
};

/// An encoder for frames in memory `M`. `S` is one of this module's four states; `Encoder<'_, Cuda>` is an open one.
#[must_use = "dropping an encoder discards the frames inside it: `flush` it, then `finish`"]
pub struct Encoder<'d, M: Memory, S: State = Opened> {
    state: S,
    _scope: Scope<'d, M>,
}

crate::codec::states_behind_the_end! {
    Encoder<M: Memory>, EncoderCore, "packet", <'d> Packet, Packet, std::convert::identity::<Packet>, lost: true
}

impl<M: Memory> Encoder<'_, M, Flushing> {
    /// Frames sent whose packets have not come out.
    pub fn in_flight(&self) -> usize {
        self.state.core.core.in_flight()
    }
}

/// A state of an [`Encoder`]. Sealed.
pub trait State: sealed::EncoderState {}
macro_rules! states { ($($s:ty),*) => {$( impl sealed::EncoderState for $s {} impl State for $s {} )*} }
states! { Opened, Flushing, Closed }
impl<O> sealed::EncoderState for Configured<O> {}
impl<O> State for Configured<O> {}

impl<'d, M: Memory, S: State> Encoder<'d, M, S> {
    fn with(state: S) -> Self {
        Encoder { state, _scope: Scope::new() }
    }
}

impl<'d, M: Concrete> Encoder<'d, M> {
    /// The memory kind checked at run time instead: for a backend chosen by a configuration.
    pub fn erase(self) -> Encoder<'d, crate::Any> {
        Encoder::with(self.state)
    }
}

/// For the muxer: what a stream of this encoder's packets is.
impl<M: Memory> Encoder<'_, M> {
    pub(crate) fn context(&self) -> &CodecContext {
        &self.state.core.core.context
    }
    pub(crate) fn time_base(&self) -> Ratio {
        self.state.core.time_base
    }
    pub(crate) fn frame_rate(&self) -> Ratio {
        self.state.core.picture.frame_rate
    }
    pub(crate) fn picture(&self) -> &Picture {
        &self.state.core.picture
    }
    pub(crate) fn origin(&self) -> Origin {
        self.state.core.origin
    }
    /// The container stores the parameter sets: they need not be in the packets.
    pub(crate) fn extradata_in_container(&self) {
        self.state.core.extradata_in_container()
    }
}

static_assertions::assert_impl_all!(Encoder<'static, crate::Any>: Send);
static_assertions::assert_not_impl_any!(Encoder<'static, crate::Any>: Sync, Clone);
static_assertions::assert_eq_size!(Encoder<'static, crate::Any>, Option<Encoder<'static, crate::Any>>, *const ());
