//! A word from another thread: stop waiting.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Ends the waiting of demuxers and muxers that were given a copy of it (AVIOInterruptCB), from any thread. Their calls then fail with
/// `Interrupted`.
///
/// FFmpeg asks for it while it waits for a network or a device, about ten times a second; avsluice asks before it calls a
/// reader or writer of the application's. What cannot be interrupted: a name that is looked up in the DNS, a plain file that the
/// operating system does not give, and the application's own code.
///
/// ```
/// let stop = avsluice::Interrupt::new();
/// let input = avsluice::Demuxer::options().interrupt(&stop);
/// stop.interrupt(); // from a signal handler's thread, say
/// let error = input.from_read(std::io::empty()).unwrap_err();
/// assert_eq!(*error.kind(), avsluice::ErrorKind::Interrupted);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// One that has not been given.
    pub fn new() -> Self {
        Interrupt::default()
    }
    /// Gives it: every wait that knows it ends, and no new one begins.
    pub fn interrupt(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
    /// Takes it back.
    pub fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
    /// Whether it was given.
    pub fn is_interrupted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

static_assertions::assert_impl_all!(Interrupt: Send, Sync, Clone);
