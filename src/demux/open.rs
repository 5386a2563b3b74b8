//! What can be said of an input before it is opened.

use super::Demuxer;
use crate::{
    Interrupt, Result,
    raw::avformat::{
        avio::AppBytes,
        input::{Input, InputSetup},
        interrupt_callback::InterruptCallback,
        url::Url,
    },
    types::setting::Setting,
};
use std::{
    io::{Read, Seek},
    path::Path,
    time::Duration,
};

/// Options of an input, then one of the openings. Made by [`Demuxer::options`].
///
/// ```no_run
/// use std::time::Duration;
/// let input = avsluice::Demuxer::options()
///     .timeout(Duration::from_secs(5)) // a dead server is an error, not a hang
///     .option("rtsp_transport", "tcp")
///     .open("rtsp://camera.local/stream")?;
/// # Ok::<(), avsluice::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "it is opened by `open`, `from_read` or `from_read_seek`"]
pub struct OpenOptions {
    format: Option<String>,
    options: Vec<Setting>,
    timeout: Option<Duration>,
    interrupt: Option<Interrupt>,
}

impl OpenOptions {
    /// FFmpeg's name of the container, where the bytes do not tell it: `h264` for a bare stream out of a socket.
    pub fn format(mut self, name: &str) -> Self {
        self.format = Some(name.into());
        self
    }
    /// An option of the format or the protocol, by FFmpeg's name. One that neither has is an error of the opening.
    pub fn option(mut self, name: &str, value: impl ToString) -> Self {
        self.options.push(Setting::new(name, value));
        self
    }
    /// How long each call may wait for bytes: opening, reading, seeking and closing. Then it fails with `TimedOut`, and so does each
    /// later read. What cannot be cut short: see [`Interrupt`].
    pub fn timeout(mut self, longest: Duration) -> Self {
        self.timeout = Some(longest);
        self
    }
    /// Ends the calls' waiting from another thread.
    pub fn interrupt(mut self, interrupt: &Interrupt) -> Self {
        self.interrupt = Some(interrupt.clone());
        self
    }
    /// Opens a file or URL; see [`Demuxer::open`].
    ///
    /// # Errors
    /// As there; `TimedOut` or `Interrupted`; `OptionUnknown`; `Unsupported` for a format that FFmpeg does not have.
    pub fn open(self, url: impl AsRef<Path>) -> Result<Demuxer> {
        self.begin(Url::new(url.as_ref())?, None)
    }
    /// Reads what the application has; see [`Demuxer::from_read`].
    ///
    /// # Errors
    /// As there, and as [`open`](OpenOptions::open).
    #[allow(clippy::wrong_self_convention)] // it is the demuxer that is made from the reader
    pub fn from_read(self, reader: impl Read + Send + 'static) -> Result<Demuxer> {
        self.begin(Url::of_application("the application's reader")?, Some(AppBytes::reader(reader)))
    }
    /// Reads what the application has, from any place; see [`Demuxer::from_read_seek`].
    ///
    /// # Errors
    /// As there, and as [`open`](OpenOptions::open).
    #[allow(clippy::wrong_self_convention)] // as above
    pub fn from_read_seek(self, reader: impl Read + Seek + Send + 'static) -> Result<Demuxer> {
        self.begin(Url::of_application("the application's reader")?, Some(AppBytes::seekable_reader(reader)))
    }
    fn begin(self, url: Url, app_bytes: Option<AppBytes>) -> Result<Demuxer> {
        let interrupt_callback = InterruptCallback::new(self.timeout, self.interrupt);
        let setup = InputSetup { format: self.format.as_deref(), options: &self.options, interrupt_callback };
        Demuxer::new(Input::open(url, app_bytes, &setup)?)
    }
}
