//! [`Frame`](crate::Frame) -> [`Packet`](crate::Packet): `Configured -> Opened -> Flushing -> Closed`.
//!
//! | state | what it is | what only it can do |
//! |---|---|---|
//! | [`Configured`] | plain data, no FFmpeg object | every setting; `open` |
//! | [`Opened`] | an open AVCodecContext | `send`, `receive`, live settings; `flush` |
//! | [`Flushing`] | end of stream sent | `receive` to the end; `finish`, `abandon` |
//! | [`Closed`] | codec closed, hardware released | `report`, `free` |

mod closed;
mod configured;
mod flushing;
mod intake;
mod opened;
mod options;
mod reorder;
mod running;
pub(crate) mod settings;

pub use crate::types::setting::Setting;
pub use closed::Closed;
pub use configured::Configured;
pub use flushing::Flushing;
pub use opened::Opened;
pub use options::{Encodes, Named, Options};

use crate::{
    Concrete, Memory, Result,
    raw::{CodecContext, Scope, avutil::picture::Picture, sealed},
    types::{facts::Origin, time::Ratio},
};
use running::Running;

/// An encoder for frames in memory `M`. `S` is one of this module's four states; `Encoder<'_, Cuda>` is an open one.
#[must_use = "dropping an encoder discards the frames inside it: `flush` it, then `finish`"]
pub struct Encoder<'d, M: Memory, S: State = Opened> {
    state: S,
    _scope: Scope<'d, M>,
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
        &self.state.running.core.context
    }
    pub(crate) fn time_base(&self) -> Ratio {
        self.state.running.time_base
    }
    pub(crate) fn frame_rate(&self) -> Ratio {
        self.state.running.picture.frame_rate
    }
    pub(crate) fn picture(&self) -> &Picture {
        &self.state.running.picture
    }
    pub(crate) fn origin(&self) -> Origin {
        self.state.running.origin
    }
    /// The container stores the parameter sets: they need not be in the packets.
    pub(crate) fn headers_in_container(&self) {
        self.state.running.headers_in_container()
    }
}

/// What a codec gives now; what is not taken stays inside for the next call. It ends after an error, so that a loop that passes
/// over errors ends too.
#[must_use = "take the output that is ready, or it waits for the next call"]
pub struct Ready<'c, T> {
    codec: &'c mut (dyn Receive<T> + Send),
    failed: bool,
}

/// A codec that `T`s can be taken from.
pub(crate) trait Receive<T> {
    /// `None` when there is none now.
    fn next_ready(&mut self) -> Result<Option<T>>;
}

impl<'c, T> Ready<'c, T> {
    pub(crate) fn new(codec: &'c mut (dyn Receive<T> + Send)) -> Self {
        Ready { codec, failed: false }
    }
}

impl<T> Iterator for Ready<'_, T> {
    type Item = Result<T>;
    fn next(&mut self) -> Option<Result<T>> {
        if self.failed {
            return None;
        }
        let next = self.codec.next_ready().transpose();
        self.failed = matches!(next, Some(Err(_)));
        next
    }
}

impl<T> std::fmt::Debug for Ready<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ready")
    }
}

static_assertions::assert_impl_all!(Encoder<'static, crate::Any>: Send);
static_assertions::assert_not_impl_any!(Encoder<'static, crate::Any>: Sync, Clone);
static_assertions::assert_eq_size!(Encoder<'static, crate::Any>, Option<Encoder<'static, crate::Any>>, *const ());

#[cfg(test)]
mod tests {
    use super::{Ready, Receive};
    use crate::{Error, ErrorKind, Result};

    struct Failing(u32);
    impl Receive<u32> for Failing {
        fn next_ready(&mut self) -> Result<Option<u32>> {
            self.0 += 1;
            if self.0 == 1 { Ok(Some(7)) } else { Err(Error::new(ErrorKind::Poisoned, "test")) }
        }
    }

    #[test]
    fn what_is_ready_ends_after_an_error() {
        let mut codec = Failing(0);
        let ready: Vec<_> = Ready::new(&mut codec).take(10).collect();
        assert!(matches!(&ready[..], [Ok(7), Err(_)]), "{ready:?}");
    }
}
