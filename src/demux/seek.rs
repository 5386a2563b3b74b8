//! Where to go in a file, and what is reset then.

use std::time::Duration;

/// A time in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// Counted from the file's start, whatever time its first packet has.
    FromStart(Duration),
    /// Ticks of the stream's time base, as in [`Frame::pts`](crate::Frame::pts).
    Ticks(i64),
}

impl From<Duration> for Time {
    fn from(time: Duration) -> Self {
        Time::FromStart(time)
    }
}

/// Where to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seek {
    /// The beginning.
    Start,
    /// The last keyframe at or before that time: where decoding begins for a picture that is shown then. Formats without an index (MPEG-TS)
    /// may end up at another packet near by, and the decoder then gives the first pictures from the next keyframe on.
    Before(Time),
    /// The first keyframe at or after that time.
    After(Time),
}

impl Seek {
    /// [`Seek::Before`] that time: a `Duration` from the file's start, or a [`Time`].
    pub fn before(time: impl Into<Time>) -> Self {
        Seek::Before(time.into())
    }
    /// [`Seek::After`] that time: a `Duration` from the file's start, or a [`Time`].
    pub fn after(time: impl Into<Time>) -> Self {
        Seek::After(time.into())
    }
}

/// What has packets of one place inside, and forgets them: a decoder, a bitstream filter, several of them, or `()`.
pub trait Reset {
    /// Discards what is inside.
    fn reset(&mut self);
}

impl Reset for () {
    fn reset(&mut self) {}
}
impl<R: Reset + ?Sized> Reset for &mut R {
    fn reset(&mut self) {
        (**self).reset();
    }
}
impl<R: Reset> Reset for [R] {
    fn reset(&mut self) {
        self.iter_mut().for_each(R::reset);
    }
}
impl<A: Reset, B: Reset> Reset for (A, B) {
    fn reset(&mut self) {
        self.0.reset();
        self.1.reset();
    }
}
impl<Y: crate::decode::Output> Reset for crate::Decoder<'_, Y> {
    fn reset(&mut self) {
        crate::Decoder::<'_, Y, crate::decode::Opened>::reset(self);
    }
}
