//! AVIOInterruptCB: how long FFmpeg may wait for bytes.

use crate::{
    error::{Error, ErrorKind},
    ffi,
    types::interrupt::Interrupt,
};
use std::{
    ffi::{c_int, c_void},
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// What ends the waiting of one file's calls. Some protocols ask from threads of their own.
pub(crate) struct InterruptCallback {
    born: Instant,
    limit: Option<Duration>,
    interrupt: Option<Interrupt>,
    /// Nanoseconds from `born`.
    deadline: AtomicU64,
    ended: AtomicU8,
}

const NEVER: u64 = u64::MAX;

const GOES_ON: u8 = 0;
const TIMED_OUT: u8 = 1;
const INTERRUPTED: u8 = 2;

impl InterruptCallback {
    pub(crate) fn new(limit: Option<Duration>, interrupt: Option<Interrupt>) -> Arc<Self> {
        let (deadline, ended) = (AtomicU64::new(NEVER), AtomicU8::new(GOES_ON));
        Arc::new(InterruptCallback { born: Instant::now(), limit, interrupt, deadline, ended })
    }
    /// The callback, for a context that is freed before this; none where nothing can end a wait, for FFmpeg asks with each read.
    pub(in crate::raw) fn callback(self: &Arc<Self>) -> ffi::AVIOInterruptCB {
        let asks = self.limit.is_some() || self.interrupt.is_some();
        ffi::AVIOInterruptCB {
            callback: if asks { Some(ask) } else { None },
            opaque: Arc::as_ptr(self).cast_mut().cast(),
        }
    }
    /// A call that may wait: the time begins anew.
    pub(in crate::raw) fn during<T>(&self, call: impl FnOnce() -> T) -> T {
        let Some(limit) = self.limit else { return call() };
        let deadline = self.born.elapsed().saturating_add(limit).as_nanos();
        self.deadline.store(u64::try_from(deadline).unwrap_or(NEVER), Ordering::Relaxed);
        let result = call();
        self.deadline.store(NEVER, Ordering::Relaxed);
        result
    }
    /// Whether the waiting is to end.
    pub(in crate::raw) fn is_over(&self) -> bool {
        let deadline = self.deadline.load(Ordering::Relaxed);
        let why = if self.interrupt.as_ref().is_some_and(Interrupt::is_interrupted) {
            INTERRUPTED
        } else if deadline != NEVER && self.born.elapsed() >= Duration::from_nanos(deadline) {
            TIMED_OUT
        } else {
            return false;
        };
        self.ended.store(why, Ordering::Relaxed);
        true
    }
    /// Whether a wait was ended since the last [`rearm`](Self::rearm). FFmpeg's reader stays at its end then.
    pub(in crate::raw) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed) != GOES_ON
    }
    /// After a seek, reading begins anew.
    pub(in crate::raw) fn rearm(&self) {
        self.ended.store(GOES_ON, Ordering::Relaxed);
    }
    /// The error that a failed call gives: what ended it, if that was us.
    pub(in crate::raw) fn explain(&self, error: Error) -> Error {
        match self.ended.load(Ordering::Relaxed) {
            TIMED_OUT => {
                let after = self.limit.unwrap_or_default();
                error
                    .with_kind(ErrorKind::TimedOut { after })
                    .detail(format!("the other side gave no answer within {after:?}"))
            }
            INTERRUPTED => error.with_kind(ErrorKind::Interrupted).detail("the application ended the wait"),
            _ => error,
        }
    }
}

unsafe extern "C" fn ask(interrupt_callback: *mut c_void) -> c_int {
    // SAFETY: `callback` put an InterruptCallback there, and whoever gave it to FFmpeg keeps it until FFmpeg's context
    // is freed.
    unsafe { &*interrupt_callback.cast::<InterruptCallback>() }.is_over().into()
}

static_assertions::assert_impl_all!(InterruptCallback: Send, Sync);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_at_its_time_and_only_then() {
        let interrupt_callback = InterruptCallback::new(Some(Duration::ZERO), None);
        assert!(!interrupt_callback.is_over(), "no call is under way");
        assert!(interrupt_callback.during(|| interrupt_callback.is_over()));
        assert!(!interrupt_callback.is_over() && interrupt_callback.has_ended());
        let error = interrupt_callback.explain(Error::new(ErrorKind::Other, "test"));
        assert_eq!(*error.kind(), ErrorKind::TimedOut { after: Duration::ZERO });
        assert!(!InterruptCallback::new(Some(Duration::MAX), None).during(|| interrupt_callback.is_over()));
    }

    #[test]
    fn a_wait_ends_when_it_is_interrupted() {
        let stop = Interrupt::new();
        let interrupt_callback = InterruptCallback::new(None, Some(stop.clone()));
        assert!(!interrupt_callback.during(|| interrupt_callback.is_over()));
        stop.interrupt();
        assert!(interrupt_callback.during(|| interrupt_callback.is_over()));
        assert_eq!(*interrupt_callback.explain(Error::new(ErrorKind::Other, "test")).kind(), ErrorKind::Interrupted);
        stop.clear();
        interrupt_callback.rearm();
        assert!(!interrupt_callback.is_over() && !interrupt_callback.has_ended());
    }
}
