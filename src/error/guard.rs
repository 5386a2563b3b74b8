//! The edge between C and code of the application: readers and writers, loggers, owners, and what is dropped of theirs.
//!
//! Nothing unwinds through FFmpeg's frames, and nothing that an application's value does in its `Drop` keeps the clean-up behind it from
//! running. Every `extern "C"` function that can reach such code goes through [`contain`] or [`dispose`], and so does each line of the log.

use std::{
    any::Any,
    cell::Cell,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Runs code of the application. A panic ends here; its words are the error.
pub(crate) fn contain<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(words)
}

/// Drops a value of the application's, or one that holds some. `what` it is says the log, should its drop panic.
pub(crate) fn dispose<T>(what: &str, value: T) {
    if let Err(words) = contain(|| drop(value)) {
        tell(log::Level::Error, OWN, format_args!("avsluice: dropping {what} panicked: {words}"));
    }
}

/// A value of the application's, dropped by [`dispose`] wherever it is dropped. A panic in the drop of a value takes with it what is being returned.
pub(crate) struct Contained<T> {
    what: &'static str,
    value: Option<T>,
}

impl<T> Contained<T> {
    pub(crate) fn new(what: &'static str, value: T) -> Self {
        Contained { what, value: Some(value) }
    }
    pub(crate) fn into_inner(mut self) -> T {
        self.value.take().expect("only this call and the drop take it, and each is the last")
    }
}

impl<T> std::ops::Deref for Contained<T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.value.as_ref().expect("as in into_inner")
    }
}

impl<T> std::ops::DerefMut for Contained<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("as in into_inner")
    }
}

impl<T> Drop for Contained<T> {
    fn drop(&mut self) {
        if self.value.is_some() {
            dispose(self.what, self.value.take());
        }
    }
}

/// The words of a panic.
fn words(payload: Box<dyn Any + Send>) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| text.to_string());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    drop_payload(payload);
    text.unwrap_or_else(|| "it gave no words".into())
}

/// A payload may panic when it is dropped, with a payload that does the same: after some of them the next is leaked.
fn drop_payload(payload: Box<dyn Any + Send>) {
    const MOST: usize = 8;
    let mut next = Some(payload);
    for _ in 0..MOST {
        let Some(payload) = next.take() else { return };
        next = catch_unwind(AssertUnwindSafe(|| drop(payload))).err();
    }
    std::mem::forget(next);
}

/// The target of avsluice's own lines in the `log` facade.
pub(crate) const OWN: &str = "avsluice";

thread_local! {
    /// The application's logger is running on this thread, called from here.
    static LOGGING: Cell<bool> = const { Cell::new(false) };
}

/// Hands a line to the application's logger. What it panics with ends here. Calls that the logger itself makes are not logged: they would come
/// back to it for ever.
pub(crate) fn tell(level: log::Level, target: &str, line: fmt::Arguments<'_>) {
    if level > log::max_level() || is_logging() {
        return;
    }
    LOGGING.set(true);
    // Nobody is left to be told that telling failed.
    let _ = contain(|| log::log!(target: target, level, "{line}"));
    LOGGING.set(false);
}

/// Whether the application's logger reads lines of that level.
pub(crate) fn is_read(level: log::Level, target: &str) -> bool {
    if level > log::max_level() || is_logging() {
        return false;
    }
    LOGGING.set(true);
    let read = contain(|| log::log_enabled!(target: target, level)).unwrap_or(false);
    LOGGING.set(false);
    read
}

/// Whether this thread is inside the application's logger.
pub(crate) fn is_logging() -> bool {
    LOGGING.get()
}

/// One of avsluice's own lines: `say!(Warn, "{file} is cut off")`.
macro_rules! say {
    ($level:ident, $($line:tt)+) => {
        $crate::error::guard::tell(::log::Level::$level, $crate::error::guard::OWN, format_args!("avsluice: {}", format_args!($($line)+)))
    };
}
pub(crate) use say;

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::panic_any;

    /// Panics when it is dropped, with another that does the same.
    struct Bomb(u32);
    impl Drop for Bomb {
        fn drop(&mut self) {
            if self.0 > 0 {
                panic_any(Bomb(self.0 - 1));
            }
        }
    }

    /// The same without an end. It has no size, so that nothing is lost when the last one is leaked.
    struct Endless;
    impl Drop for Endless {
        fn drop(&mut self) {
            panic_any(Endless);
        }
    }

    #[test]
    fn a_panic_ends_at_the_edge_whatever_its_payload_does() {
        assert_eq!(contain(|| 7), Ok(7));
        assert_eq!(contain(|| panic!("a {}", "reason")), Err::<(), _>("a reason".into()));
        for chain in [0, 1, 5] {
            assert_eq!(contain(|| panic_any(Bomb(chain))), Err::<(), _>("it gave no words".into()));
        }
        assert_eq!(contain(|| panic_any(Endless)), Err::<(), _>("it gave no words".into()));
    }

    #[test]
    fn what_panics_when_it_is_dropped_is_dropped_all_the_same() {
        dispose("a bomb", Bomb(3));
        drop(Contained::new("a bomb", Bomb(3)));
        assert_eq!(contain(|| drop(Contained::new("a bomb", Bomb(3)).into_inner())), Err("it gave no words".into()));
        dispose("two of them", [Bomb(1), Bomb(0)]);
    }
}
