//! Where to go in a file.

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
    /// The last keyframe at or before that time: where decoding begins for a picture that is shown then. Formats
    /// without an index (MPEG-TS) may end up at another packet near by, and the decoder then gives the first pictures
    /// from the next keyframe on.
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
