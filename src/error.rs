//! [`Error`] says what went wrong; [`Failed`] says it and gives back what the call had taken.

use crate::{
    diagnosis,
    raw::{self, log::Line},
};
use std::{error, fmt, time::Duration};

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
            raw::guard::dispose("an error's source", self.source.take());
        }
    }
}

/// What a program can match on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The driver is there, the device is not.
    NoDevice,
    /// A driver library cannot be loaded (libcuda.so.1, libnvidia-encode.so.1, libnvcuvid.so.1, libva's driver for the GPU).
    DriverMissing,
    /// The driver is older than FFmpeg was built for.
    DriverTooOld {
        /// What FFmpeg needs.
        required: String,
        /// What the driver offers.
        found: String,
    },
    /// FFmpeg's run-time libraries are of another major version than the headers that avsluice was built with.
    LibraryMismatch {
        /// The library, such as `libavcodec`.
        library: String,
        /// Major version of the headers.
        required: u32,
        /// Major version of the library.
        found: u32,
    },
    /// The driver allows no further encoding session.
    SessionLimit,
    /// The device's memory or a pool of fixed size has no frame left: frames are held that could be dropped, or
    /// [`hold`](crate::Decoder::hold) is too small.
    PoolExhausted,
    /// The codec has no option of that name.
    OptionUnknown {
        /// The name as given.
        name: String,
        /// The option whose name is nearest to it.
        nearest: Option<String>,
    },
    /// The option exists in a later FFmpeg than the one in use.
    OptionUnavailable {
        /// FFmpeg's name of the option.
        name: String,
        /// The FFmpeg release that has it.
        since: String,
    },
    /// A setting is out of range, contradicts another, or is missing where it is needed.
    InvalidSetting {
        /// The setting's name.
        name: String,
    },
    /// This codec, device, container or FFmpeg build cannot do it.
    Unsupported,
    /// The frame lives on another device than the codec works on.
    WrongDevice,
    /// The frame has another size, pixel format or memory than the codec was opened for.
    WrongFormat,
    /// The packet is of another stream than the track, decoder or filter that it was sent to. See
    /// [`Packet::trusted`](crate::Packet::trusted).
    WrongStream,
    /// The file is being read by a demuxer of this process, or written by another muxer: it would be destroyed.
    FileInUse,
    /// No packet was written before the output was finished: nothing can be played.
    NoPackets,
    /// The codec is full: what the last `Ready` held was not taken. Take it with `receive`, then send again.
    Full,
    /// An earlier hard error: nothing more can be sent. The error's `source` is that error.
    Poisoned,
    /// The codec did not reach its end of stream within the limit.
    DrainStalled {
        /// Frames sent and not received.
        in_flight: usize,
    },
    /// The device still has this many references besides its owner when it is closed.
    InUse {
        /// References left.
        references: usize,
    },
    /// A teardown did not end in its time and goes on in the background.
    CloseTimedOut {
        /// The time that was allowed.
        after: Duration,
    },
    /// The stream has no frame.
    NoFrame,
    /// The file has no stream of that kind.
    NoStream,
    /// The data is damaged, or not of the format that it claims.
    InvalidData,
    /// Something was sent after the end of the stream.
    EndOfStream,
    /// Reading or writing failed.
    Io(std::io::ErrorKind),
    /// The other side of a connection gave no answer in the time that it had.
    TimedOut {
        /// The time that was allowed.
        after: Duration,
    },
    /// An [`Interrupt`](crate::Interrupt) ended the call.
    Interrupted,
    /// The demuxer has sought since the decoder's last packet, and the decoder was not reset: it would mix pictures of both places.
    NotReset,
    /// Memory ran out.
    OutOfMemory,
    /// Anything else: see the code and the log.
    Other,
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
    /// An FFmpeg call's negative return value with what was logged meanwhile, which tells more than the value does.
    pub(crate) fn ffmpeg(operation: &'static str, code: i32, log: Vec<Line>) -> Self {
        let (kind, detail) = diagnosis::classify(code, &log);
        let mut error = Error::new(kind, operation);
        error.0.code = code;
        error.0.detail = detail;
        error.0.log = log.into_iter().map(|line| line.to_string()).collect();
        error
    }
    pub(crate) fn invalid(name: &str, detail: impl Into<String>) -> Self {
        Error::new(ErrorKind::InvalidSetting { name: name.into() }, "configure").detail(detail)
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
        raw::guard::dispose("an error's source", self.0.source.replace(Box::new(source)));
        self
    }
    pub(crate) fn with_source(mut self, source: Error) -> Self {
        raw::guard::dispose("an error's source", self.0.source.replace(Box::new(source)));
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
            write!(f, " [FFmpeg: {}]", raw::code::text(inner.code))?;
        }
        if let Some(line) = inner.log.last() {
            write!(f, " [{line}]")?;
        }
        Ok(())
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ErrorKind::*;
        match self {
            NoDevice => write!(f, "no such device"),
            DriverMissing => write!(f, "a driver library is missing"),
            DriverTooOld { required, found } => write!(f, "the driver is too old: {found} found, {required} required"),
            LibraryMismatch { library, required, found } => write!(
                f,
                "avsluice was built for {library} {required}, the one loaded is {found}: rebuild, or install the other"
            ),
            SessionLimit => write!(f, "no further encoding session is allowed"),
            PoolExhausted => write!(f, "no frame is left in the pool"),
            OptionUnknown { name, nearest: Some(nearest) } => {
                write!(f, "there is no option `{name}`: did you mean `{nearest}`?")
            }
            OptionUnknown { name, nearest: None } => write!(f, "there is no option `{name}`"),
            OptionUnavailable { name, since } => write!(f, "option `{name}` needs FFmpeg {since} or later"),
            InvalidSetting { name } => write!(f, "setting `{name}` is not valid"),
            Unsupported => write!(f, "not supported"),
            WrongDevice => write!(f, "the frame is on another device than the codec"),
            WrongFormat => write!(f, "the frame's size, pixel format or memory is not what the codec was opened for"),
            WrongStream => write!(f, "the packet is of another stream"),
            FileInUse => write!(f, "the file is in use: write to another"),
            NoPackets => write!(f, "no packet was written"),
            Full => write!(f, "the codec is full: receive what is ready, then send again"),
            Poisoned => write!(f, "the codec failed before and takes nothing more"),
            DrainStalled { in_flight } => {
                write!(f, "the codec did not come to its end: {in_flight} frames are still inside")
            }
            InUse { references } => write!(f, "{references} references to the device are left"),
            CloseTimedOut { after } => write!(f, "the teardown took longer than {after:?}"),
            NoFrame => write!(f, "the stream has no frame"),
            NoStream => write!(f, "the file has no such stream"),
            InvalidData => write!(f, "the data is damaged or of another format"),
            EndOfStream => write!(f, "the stream has ended"),
            Io(kind) => write!(f, "{kind}"),
            TimedOut { after } => write!(f, "no answer within {after:?}"),
            Interrupted => write!(f, "interrupted"),
            NotReset => write!(f, "the decoder was not reset after a seek"),
            OutOfMemory => write!(f, "out of memory"),
            Other => write!(f, "failed"),
        }
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
        let words = raw::guard::contain(|| e.to_string()).unwrap_or_else(|_| "an error without words".into());
        let mut error = Error::new(kind, "io").detail(words);
        error.0.source = Some(Box::new(e));
        error
    }
}

/// A call that took `T` and failed: why, and `T` back.
///
/// Not an `Error` itself: an error is kept and passed on, and an open codec must not be. `?` drops the value, there and
/// then, and passes on the [`Error`]: to `Error`, to `Box<dyn Error>`, and with the feature `anyhow` to `anyhow::Error`.
/// Elsewhere write `.map_err(Failed::into_error)?`.
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

static_assertions::assert_impl_all!(Error: Send, Sync);
static_assertions::assert_eq_size!(Error, *const ());
