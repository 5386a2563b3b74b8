//! AVFormatContext of a file that is read.

use super::{PacketShell, Result, log::Capture, log::Line, stream::StreamInfo};
use crate::{Error, ErrorKind, ffi};
use std::{
    ffi::{CStr, CString},
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    ptr::{self, NonNull},
    slice,
};

/// Where a file is: for FFmpeg, and for people.
#[derive(Clone)]
pub(crate) struct Location {
    url: CString,
    path: PathBuf,
    is_file: bool,
}

impl Location {
    /// FFmpeg takes what stands before a colon for a protocol: a path that is a file's gets FFmpeg's own prefix for files.
    pub(crate) fn new(path: &Path) -> Result<Self> {
        super::enter()?;
        let encoded = path.as_os_str().as_encoded_bytes();
        let nul = |_| Error::invalid("url", format!("the path {} contains a NUL byte", path.display()));
        let plain = CString::new(encoded).map_err(nul)?;
        let (url, is_file) = if !encoded.contains(&b':') {
            (plain, true)
        } else if path.exists() || !names_protocol(&plain) {
            (CString::new([b"file:", encoded].concat()).map_err(nul)?, true)
        } else {
            (plain, false)
        };
        Ok(Location { url, path: path.to_owned(), is_file })
    }
    pub(super) fn url(&self) -> &CStr {
        &self.url
    }
    /// The path, unless it is a URL of another protocol.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.is_file.then_some(&self.path)
    }
    /// The extension that a name ends in.
    pub(crate) fn extension(&self) -> Option<String> {
        Some(self.path.extension()?.to_string_lossy().into_owned())
    }
    /// The error, with the file named in its explanation.
    pub(crate) fn name(&self, error: Error) -> Error {
        let kind = error.kind().clone();
        let what = match (&kind, error.explanation()) {
            (_, Some(explanation)) => explanation.to_string(),
            (ErrorKind::Other, None) => "failed".into(),
            (kind, None) => kind.to_string(),
        };
        error.with_kind(kind).detail(format!("{}: {what}", self.path.display()))
    }
    /// An error of our own, with the file named in its explanation.
    pub(crate) fn error(&self, kind: ErrorKind, operation: &'static str, detail: &str) -> Error {
        self.name(Error::new(kind, operation).detail(detail))
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.path.display().fmt(f)
    }
}

fn names_protocol(url: &CStr) -> bool {
    // SAFETY: a terminated string; the result is null or static.
    !unsafe { ffi::avio_find_protocol_name(url.as_ptr()) }.is_null()
}

/// An AVFormatContext that reads, open from `open` to `Drop`.
pub(crate) struct Input {
    context: NonNull<ffi::AVFormatContext>,
    location: Location,
    /// The last packet was marked as damaged.
    last_is_cut: bool,
    early_end: Option<String>,
}

// SAFETY: an AVFormatContext has no thread affinity, and self is its one owner. It is not Sync.
unsafe impl Send for Input {}

/// How often a demuxer may say "again" to one call: some do so once while they look for a packet.
const ATTEMPTS: usize = 1000;

/// Words in FFmpeg's log for a file that ends before its time.
const CUT_OFF: [&str; 3] = ["ended prematurely", "partial file", "truncat"];

impl Input {
    /// Opens the file and reads as much as it takes to know its streams (avformat_open_input, avformat_find_stream_info).
    pub(crate) fn open(location: Location) -> Result<Self> {
        if location.file().is_some_and(Path::is_dir) {
            let kind = ErrorKind::Io(io::ErrorKind::IsADirectory);
            return Err(location.error(kind, "avformat_open_input", "this is a directory, not a file"));
        }
        if location.file().is_some_and(is_empty) {
            // FFmpeg finds the end of the file, no format, or by the extension a stream of nothing.
            return Err(location.error(ErrorKind::InvalidData, "avformat_open_input", "the file is empty"));
        }
        let mut context = ptr::null_mut();
        let capture = Capture::start();
        // SAFETY: the context is allocated by the call, which leaves it null when it fails; the URL is terminated.
        let code = unsafe {
            ffi::avformat_open_input(&mut context, location.url().as_ptr(), ptr::null_mut(), ptr::null_mut())
        };
        let Some(context) = NonNull::new(context).filter(|_| code >= 0) else {
            return Err(not_opened(&location, Error::ffmpeg("avformat_open_input", code, capture.lines())));
        };
        let input = Input { context, location, last_is_cut: false, early_end: None };
        if input.format_name() == "tty" {
            // FFmpeg draws any longer text file as a picture of a terminal.
            let detail = "this is text, not a media file";
            return Err(input.location.error(ErrorKind::InvalidData, "avformat_open_input", detail));
        }
        // Decoders then find a stream's side data in its first packet; from FFmpeg 6.1 on the parameters carry it.
        #[cfg(not(has_coded_side_data))]
        // SAFETY: the context is open.
        unsafe {
            ffi::av_format_inject_global_side_data(input.context.as_ptr())
        };
        // SAFETY: the context is open; no options are passed.
        let code = unsafe { ffi::avformat_find_stream_info(input.context.as_ptr(), ptr::null_mut()) };
        if code < 0 {
            let error = Error::ffmpeg("avformat_find_stream_info", code, capture.lines());
            return Err(not_opened(&input.location, error));
        }
        Ok(input)
    }
    fn get(&self) -> &ffi::AVFormatContext {
        // SAFETY: self owns the context, and FFmpeg writes to it only in calls that take `&mut self`.
        unsafe { self.context.as_ref() }
    }
    pub(crate) fn location(&self) -> &Location {
        &self.location
    }
    /// FFmpeg's name of the container, or several that one demuxer reads.
    pub(crate) fn format_name(&self) -> &'static str {
        // SAFETY: an open input has its format, which is static, as its name is.
        unsafe { CStr::from_ptr((*self.get().iformat).name) }.to_str().unwrap_or("unknown")
    }
    pub(crate) fn stream_count(&self) -> usize {
        self.get().nb_streams as usize
    }
    /// A copy of what is known of a stream.
    pub(crate) fn stream(&self, index: usize) -> Result<StreamInfo> {
        let context = self.get();
        let streams = match self.stream_count() {
            0 => &[][..],
            // SAFETY: the array has nb_streams entries; it may be null when that is 0.
            count => unsafe { slice::from_raw_parts(context.streams, count) },
        };
        let stream = streams.get(index).ok_or_else(|| Error::new(ErrorKind::NoStream, "stream"))?;
        let duration = (context.duration != ffi::AV_NOPTS_VALUE).then_some(context.duration);
        // SAFETY: the context owns the stream and is live.
        unsafe { StreamInfo::of(&**stream, duration) }
    }
    /// Index of the stream that a player would show (av_find_best_stream).
    pub(crate) fn best_video(&self) -> Option<usize> {
        let (context, kind) = (self.context.as_ptr(), ffi::AVMEDIA_TYPE_VIDEO);
        // SAFETY: the context is open; the call only reads it, and no decoder is asked for.
        let index = unsafe { ffi::av_find_best_stream(context, kind, -1, -1, ptr::null_mut(), 0) };
        usize::try_from(index).ok()
    }
    /// Reads the next packet into an empty shell (av_read_frame); `false` at the end of the file.
    pub(crate) fn read(&mut self, packet: &mut PacketShell) -> Result<bool> {
        let (context, to) = (self.context.as_ptr(), packet.as_ptr());
        let mut code = ffi::AVERROR_EAGAIN;
        let capture = Capture::start();
        for _ in 0..ATTEMPTS {
            // SAFETY: the context is open and borrowed mutably; the packet is ours and empty.
            code = unsafe { ffi::av_read_frame(context, to) };
            if code != ffi::AVERROR_EAGAIN {
                break;
            }
        }
        let lines = capture.lines();
        self.note_early_end(&lines);
        if code == ffi::AVERROR_EOF {
            // A demuxer may take a failing read for the end of the file.
            code = self.io_error();
            if code >= 0 {
                self.end();
                return Ok(false);
            }
        }
        if code < 0 {
            let mut error = Error::ffmpeg("av_read_frame", code, lines);
            if code == ffi::AVERROR_EAGAIN {
                error = error.with_kind(ErrorKind::Io(io::ErrorKind::WouldBlock));
            }
            let cut = code == ffi::AVERROR_INVALIDDATA && self.early_end.is_some();
            let detail = if cut { "the file is cut off here" } else { "reading failed before the end of the file" };
            return Err(self.location.name(error.detail(detail)));
        }
        self.last_is_cut = packet.get().flags & ffi::AV_PKT_FLAG_CORRUPT != 0;
        Ok(true)
    }
    /// What the reader of the file's bytes failed with; 0 if it did not.
    fn io_error(&self) -> i32 {
        // SAFETY: `pb` is null or the context's own reader.
        let error = unsafe { self.get().pb.as_ref() }.map_or(0, |reader| reader.error);
        if error == ffi::AVERROR_EOF { 0 } else { error.min(0) }
    }
    fn note_early_end(&mut self, lines: &[Line]) {
        if self.early_end.is_none() {
            let told = lines.iter().find(|line| CUT_OFF.iter().any(|words| line.text.contains(words)));
            self.early_end = told.map(|line| line.to_string());
        }
    }
    fn end(&mut self) {
        if self.last_is_cut && self.early_end.is_none() {
            self.early_end = Some("the last packet is not complete".into());
        }
        if let Some(told) = &self.early_end {
            log::warn!("avsluice: {} ends before its time: {told}", self.location);
        }
        self.last_is_cut = false;
    }
    /// What FFmpeg said when the file ended before its time.
    pub(crate) fn early_end(&self) -> Option<&str> {
        self.early_end.as_deref()
    }
}

/// Whether it is a file of no bytes, which its length alone does not tell on Linux's /proc.
fn is_empty(path: &Path) -> bool {
    let no_length = fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() == 0);
    no_length && fs::File::open(path).and_then(|mut file| file.read(&mut [0])).is_ok_and(|read| read == 0)
}

/// The reason in words, where FFmpeg's code has none or a general one.
fn not_opened(location: &Location, error: Error) -> Error {
    let detail = match error.kind() {
        _ if error.explanation().is_some() => return location.name(error),
        ErrorKind::Io(io::ErrorKind::NotFound) => "there is no such file",
        ErrorKind::Io(io::ErrorKind::PermissionDenied) => "the file must not be read (permission denied)",
        ErrorKind::InvalidData | ErrorKind::EndOfStream => "this is no media file, or a damaged one",
        _ => return location.name(error),
    };
    let kind = match error.kind() {
        ErrorKind::EndOfStream => ErrorKind::InvalidData,
        kind => kind.clone(),
    };
    location.name(error.with_kind(kind).detail(detail))
}

impl Drop for Input {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: self owns the open context and is not used again; this also closes the file.
        unsafe { ffi::avformat_close_input(&mut context) }
    }
}

static_assertions::assert_impl_all!(Input: Send);
static_assertions::assert_not_impl_any!(Input: Sync, Clone);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_read_that_a_demuxer_takes_for_the_end_is_an_error() {
        let mut input = Input::open(Location::new(&media::standard().path).unwrap()).unwrap();
        let mut packets = 0;
        loop {
            let mut packet = PacketShell::new().unwrap();
            if !input.read(&mut packet).unwrap() {
                break;
            }
            packets += 1;
        }
        assert_eq!(packets, 250);
        // SAFETY: the context is open, and has its reader.
        unsafe { (*input.context.as_mut().pb).error = ffi::AVERROR_EIO };
        let error = input.read(&mut PacketShell::new().unwrap()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Io(_)), "{error}");
    }
}
