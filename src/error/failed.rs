//! [`Failed`] gives back what a call had taken.

use crate::error::{Error, ErrorKind};
use std::{error, fmt};

/// A call that took `T` and failed: why, and `T` back.
///
/// Not an `Error` itself: an error is kept and passed on, and an open codec must not be. `?` drops the value, there and
/// then, and passes on the [`Error`]: to `Error`, to `Box<dyn Error>`, and with the feature `anyhow` to
/// `anyhow::Error`. Elsewhere write `.map_err(Failed::into_error)?`.
#[must_use]
pub struct Failed<T> {
    error: Error,
    value: Box<T>,
}

impl<T> Failed<T> {
    pub(crate) fn new(error: Error, value: T) -> Self {
        Failed { error, value: Box::new(value) }
    }
    /// What went wrong, to match on.
    pub fn kind(&self) -> &ErrorKind {
        self.error.kind()
    }
    /// The error.
    pub fn error(&self) -> &Error {
        &self.error
    }
    /// The error alone; the value is dropped.
    pub fn into_error(self) -> Error {
        self.error
    }
    /// What the call had taken.
    pub fn into_value(self) -> T {
        *self.value
    }
    /// Both.
    pub fn into_parts(self) -> (Error, T) {
        (self.error, *self.value)
    }
}

impl<T> fmt::Debug for Failed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.error, f)
    }
}

impl<T> fmt::Display for Failed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl<T> From<Failed<T>> for Error {
    fn from(failed: Failed<T>) -> Self {
        failed.error
    }
}

impl<T> From<Failed<T>> for Box<dyn error::Error> {
    fn from(failed: Failed<T>) -> Self {
        failed.error.into()
    }
}

impl<T> From<Failed<T>> for Box<dyn error::Error + Send + Sync> {
    fn from(failed: Failed<T>) -> Self {
        failed.error.into()
    }
}

#[cfg(feature = "anyhow")]
impl<T> From<Failed<T>> for anyhow::Error {
    fn from(failed: Failed<T>) -> Self {
        failed.error.into()
    }
}
