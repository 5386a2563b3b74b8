//! [`Error`] says what went wrong; [`Failed`] says it and gives back what the call had taken.

mod averror;
mod diagnosis;
mod failed;
pub(crate) mod guard;
mod kind;
pub(crate) mod line;

pub use diagnosis::Pattern;
pub(crate) use diagnosis::classify;
pub use failed::Failed;
pub use kind::ErrorKind;

use crate::ffi;
use line::Line;
use std::{error, fmt};

/// `std::result::Result` with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in which call, with FFmpeg's code and the lines that it logged meanwhile. One pointer wide.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    operation: &'static str,
    code: i32,
    fatal: bool,
    detail: Option<String>,
    log: Vec<String>,
    source: Option<Box<dyn error::Error + Send + Sync>>,
}

impl Drop for Inner {
    /// The source may be the application's, and may panic when it is dropped: an error is dropped in many places.
    fn drop(&mut self) {
        if self.source.is_some() {
            guard::dispose("an error's source", self.source.take());
        }
    }
}

impl Error {
    /// Wraps an error of the application's, so that a sink can return it.
    pub fn other(source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        let mut error = Error::new(ErrorKind::Other, "application");
        error.0.source = Some(source.into());
        error
    }
    /// What went wrong, to match on.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }
    /// The call that failed: a function of FFmpeg's, of the driver's, or of avsluice's.
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }
    /// FFmpeg's error code (AVERROR), 0 where avsluice itself refused.
    pub fn code(&self) -> i32 {
        self.0.code
    }
    /// The codec is poisoned: by this error, or by the one that is this one's `source`. Nothing more can be sent to it.
    pub fn is_fatal(&self) -> bool {
        self.0.fatal
    }
    /// What FFmpeg logged during the call, warnings and errors, on the calling thread.
    pub fn log(&self) -> &[String] {
        &self.0.log
    }
    /// What happened in words, and what to do about it, where avsluice knows.
    pub fn explanation(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    pub(crate) fn new(kind: ErrorKind, operation: &'static str) -> Self {
        Error(Box::new(Inner { kind, operation, code: 0, fatal: false, detail: None, log: Vec::new(), source: None }))
    }
    /// An FFmpeg call's negative return value with what was logged meanwhile. `patterns` are those of the backends.
    pub(crate) fn ffmpeg<'p>(
        operation: &'static str,
        code: i32,
        log: Vec<Line>,
        patterns: impl IntoIterator<Item = &'p Pattern>,
    ) -> Self {
        let (kind, detail) = classify(code, &log, patterns);
        let mut error = Error::new(kind, operation);
        error.0.code = code;
        error.0.detail = detail;
        error.0.log = log.into_iter().map(|line| line.to_string()).collect();
        error
    }
    pub(crate) fn invalid(name: &str, detail: impl Into<String>) -> Self {
        Error::new(ErrorKind::InvalidSetting { name: name.into() }, "configure").detail(detail)
    }
    pub(crate) fn wrong_stream(detail: String) -> Self {
        Error::new(ErrorKind::WrongStream, "send").detail(detail)
    }
    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }
    pub(crate) fn caused_by(mut self, source: std::io::Error) -> Self {
        guard::dispose("an error's source", self.0.source.replace(Box::new(source)));
        self
    }
    pub(crate) fn with_source(mut self, source: Error) -> Self {
        guard::dispose("an error's source", self.0.source.replace(Box::new(source)));
        self
    }
    pub(crate) fn fatal(mut self) -> Self {
        self.0.fatal = true;
        self
    }
    /// A second error of the same cause, since errors are not `Clone`.
    pub(crate) fn again(&self) -> Self {
        let inner = &self.0;
        let mut error = Error::new(inner.kind.clone(), inner.operation);
        (error.0.code, error.0.fatal) = (inner.code, inner.fatal);
        (error.0.detail, error.0.log) = (inner.detail.clone(), inner.log.clone());
        error
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({:?})", self.0.kind)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        if let (ErrorKind::Other, Some(source)) = (&inner.kind, &inner.source) {
            return fmt::Display::fmt(source, f);
        }
        write!(f, "{}: ", inner.operation)?;
        match &inner.detail {
            Some(detail) => write!(f, "{detail}")?,
            None => write!(f, "{}", inner.kind)?,
        }
        if inner.code != 0 {
            write!(f, " [FFmpeg: {}]", ffi::averror::text(inner.code))?;
        }
        if let Some(line) = inner.log.last() {
            write!(f, " [{line}]")?;
        }
        Ok(())
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.0.source.as_deref().map(|e| e as _)
    }
}

impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Self {
        let kind = ErrorKind::Io(e.kind());
        // Its words are the application's code.
        let words = guard::contain(|| e.to_string()).unwrap_or_else(|_| "an error without words".into());
        let mut error = Error::new(kind, "io").detail(words);
        error.0.source = Some(Box::new(e));
        error
    }
}

static_assertions::assert_impl_all!(Error: Send, Sync);
static_assertions::assert_eq_size!(Error, *const ());
