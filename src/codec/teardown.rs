//! How a codec is closed, and what is said of it afterwards.
//!
//! The sequence, after the caller has stopped the input: end of stream is sent if a frame was sent and the codec is not
//! poisoned; output is received until the codec says it is at its end, within a [`Limit`]; what is left over is settled as
//! [`Settle`] says; the codec is closed; its context is freed. Devices go last, which the types and reference counts see to.

use crate::{Error, ErrorKind};
use std::{fmt, sync::mpsc, thread, time::Duration};

/// How far a drain may go before it counts as stalled. The default is 1,000 outputs and 1 s without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Outputs taken at most.
    pub outputs: usize,
    /// Time that may pass without an output.
    pub time: Duration,
}

impl Default for Limit {
    fn default() -> Self {
        Limit { outputs: 1000, time: Duration::from_secs(1) }
    }
}

/// How a codec is closed: set before `open`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Teardown {
    /// What is waited for before the close.
    pub settle: Settle,
}

/// What is waited for between the last call to a codec and its close. Dropping a codec never waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Settle {
    /// Nothing after a complete drain, for then the hardware owes nothing; after `abandon` or a hard error, wait for what
    /// the device has queued (cuStreamSynchronize on the device's stream).
    #[default]
    Synchronize,
    /// Sleep this long: the folk remedy for NVENC is 50 to 100 ms.
    Delay(Duration),
    /// Never wait.
    None,
}

/// What happened in a codec's life. Complete once the codec is freed.
#[derive(Debug)]
pub struct TeardownReport {
    /// Frames (or, for a decoder, packets) that the codec took.
    pub sent: u64,
    /// Packets (or, for a decoder, frames) that came out.
    pub received: u64,
    /// An encoder's frames that went in and never came out.
    pub lost: u64,
    /// Damaged packets that a decoder skipped; their errors are in the log.
    pub damaged: u64,
    /// Frames that came out of a decoder damaged ([`Frame::is_damaged`](crate::Frame::is_damaged)).
    pub damaged_frames: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// Time from the end of stream to the last output.
    pub drain: Duration,
    /// Time in [`Settle`].
    pub settle: Duration,
    /// Time in the codec's close (`avcodec_close`, or `avcodec_free_context` from FFmpeg 8 on).
    pub close: Duration,
    /// Time to free what was left.
    pub free: Duration,
    /// Warnings and errors that FFmpeg logged on this thread during the teardown, and lines kept from earlier soft errors.
    pub log: Vec<String>,
}

/// How a codec's life ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Everything that went in came out, as far as the codec is concerned: it reported the end of the stream.
    Drained,
    /// `abandon` or drop: this many frames were inside.
    Abandoned {
        /// Frames sent and not received.
        in_flight: usize,
    },
    /// Closed without a drain after a hard error.
    Poisoned(Error),
}

impl fmt::Display for TeardownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in, {} out, ", self.sent, self.received)?;
        match &self.outcome {
            Outcome::Drained => write!(f, "drained in {:.1?}", self.drain)?,
            Outcome::Abandoned { in_flight } => write!(f, "abandoned with {in_flight} in flight")?,
            Outcome::Poisoned(error) => write!(f, "poisoned: {error}")?,
        }
        if self.lost > 0 {
            write!(f, ", {} lost", self.lost)?;
        }
        if self.damaged > 0 {
            write!(f, ", {} damaged packets skipped", self.damaged)?;
        }
        if self.damaged_frames > 0 {
            write!(f, ", {} damaged frames", self.damaged_frames)?;
        }
        write!(f, ", closed in {:.1?}", self.close + self.settle + self.free)
    }
}

/// A teardown that did not end in its time. It goes on, on a thread of its own, with all that it holds: what it holds is
/// leaked if it never ends, since a call that hangs inside a driver cannot be interrupted.
#[must_use = "the teardown still runs: join it, or drop this and leave it to its thread"]
pub struct Overdue<T> {
    error: Error,
    thread: thread::JoinHandle<T>,
}

impl<T> Overdue<T> {
    /// `CloseTimedOut`, with the time that was allowed.
    pub fn error(&self) -> &Error {
        &self.error
    }
    /// The helper thread, to be joined later.
    pub fn into_handle(self) -> thread::JoinHandle<T> {
        self.thread
    }
}
impl<T> fmt::Debug for Overdue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.error, f)
    }
}
impl<T> fmt::Display for Overdue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}
impl<T> From<Overdue<T>> for Error {
    fn from(overdue: Overdue<T>) -> Self {
        overdue.error
    }
}

/// Runs a teardown on a helper thread and waits for it that long.
pub(crate) fn within<T: Send + 'static>(
    time: Duration,
    operation: &'static str,
    teardown: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Overdue<T>> {
    // A closed channel says that the thread is done, or has panicked, which `join` passes on.
    let (done, wait) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        let ended = teardown();
        drop(done);
        ended
    });
    match wait.recv_timeout(time) {
        Err(mpsc::RecvTimeoutError::Timeout) => {
            let error = Error::new(ErrorKind::CloseTimedOut { after: time }, operation).detail(
                "the driver has not come back from closing the codec; the codec is left to its thread, and leaked",
            );
            crate::error::guard::say!(Error, "{error}");
            Err(Overdue { error, thread })
        }
        _ => Ok(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overdue_teardown_is_handed_back() {
        let (release, held) = mpsc::channel::<()>();
        let overdue = within(Duration::from_millis(1), "test", move || held.recv().is_ok()).unwrap_err();
        assert_eq!(*overdue.error().kind(), ErrorKind::CloseTimedOut { after: Duration::from_millis(1) });
        release.send(()).unwrap();
        assert!(overdue.into_handle().join().unwrap(), "the teardown went on");
    }

    #[test]
    fn a_teardown_in_time_gives_its_result() {
        assert_eq!(within(Duration::from_secs(60), "test", || 7).unwrap(), 7);
    }
}
