//! AVFormatContext of a file that is read.

use crate::{
    error::{Error, ErrorKind, Result, line::Line},
    ffi,
    raw::{
        RawPacket,
        avformat::{
            avio::{AppBytes, AvioContext},
            in_use::Claim,
            interrupt_callback::InterruptCallback,
            stream::StreamInfo,
            url::Url,
        },
        avutil::dictionary::Dictionary,
        c_string,
        log::Capture,
        out_of_memory,
    },
    types::setting::Setting,
};
use std::{
    ffi::CStr,
    fs,
    io::{self, Read},
    path::Path,
    ptr::{self, NonNull},
    slice,
    sync::Arc,
};

/// How a file is opened.
pub(crate) struct InputSetup<'a> {
    /// FFmpeg's name of the container, where its bytes do not tell.
    pub(crate) format: Option<&'a str>,
    /// Options of the format and the protocol.
    pub(crate) options: &'a [Setting],
    pub(crate) interrupt_callback: Arc<InterruptCallback>,
}

/// An AVFormatContext that reads, open from `open` to `Drop`.
pub(crate) struct Input {
    context: NonNull<ffi::AVFormatContext>,
    url: Url,
    /// What FFmpeg reads through and asks, for as long as the context lives.
    app_bytes: Option<AvioContext>,
    interrupt_callback: Arc<InterruptCallback>,
    /// The last packet was marked as damaged.
    last_is_cut: bool,
    early_end: Option<String>,
    /// How often it has sought: packets of different places are told apart by it.
    seeks: u32,
    /// No muxer of this process may open the file.
    _claim: Option<Claim>,
}

// SAFETY: an AVFormatContext has no thread affinity, and self is its one owner. It is not Sync.
unsafe impl Send for Input {}

/// How often a demuxer may say "again" to one call: some do so once while they look for a packet.
const ATTEMPTS: usize = 1000;

/// Words in FFmpeg's log for a file that ends before its time.
const CUT_OFF: [&str; 3] = ["ended prematurely", "partial file", "truncat"];

/// What MP4 files are whose writer did not know how long they would get.
const INDEX_AT_END: &str = "the file's index is behind its pictures, and this is read only once, from its beginning: give a reader that \
    can seek (Demuxer::from_read_seek) or the file itself, or write it with `movflags` = `+faststart` or in fragments";

impl Input {
    /// Opens a file, or what the application reads, and takes in as much as it takes to know its streams (avformat_open_input,
    /// avformat_find_stream_info).
    pub(crate) fn open(url: Url, app_bytes: Option<AppBytes>, setup: &InputSetup<'_>) -> Result<Self> {
        if url.file().is_some_and(Path::is_dir) {
            let kind = ErrorKind::Io(io::ErrorKind::IsADirectory);
            return Err(url.error(kind, "avformat_open_input", "this is a directory, not a file"));
        }
        if url.file().is_some_and(is_empty) {
            // FFmpeg finds the end of the file, no format, or by the extension a stream of nothing.
            return Err(url.error(ErrorKind::InvalidData, "avformat_open_input", "the file is empty"));
        }
        let claim = Claim::reading(&url);
        let format = setup.format.map(format_by_name).transpose()?.unwrap_or(ptr::null());
        let mut options = Dictionary::new(setup.options)?;
        let interrupt_callback = Arc::clone(&setup.interrupt_callback);
        let app_bytes =
            app_bytes.map(|app_bytes| app_bytes.open(&interrupt_callback)).transpose().map_err(|(error, _)| error)?;
        // SAFETY: it has no preconditions.
        let context = NonNull::new(unsafe { ffi::avformat_alloc_context() });
        let context = context.ok_or_else(|| out_of_memory("avformat_alloc_context"))?;
        // SAFETY: the context is ours and not yet open, when these fields are to be set. Reader and callback outlive
        // it: they are fields of the Input that frees it first, or of this frame while the call below frees it.
        unsafe {
            (*context.as_ptr()).interrupt_callback = interrupt_callback.callback();
            if let Some(app_bytes) = &app_bytes {
                (*context.as_ptr()).pb = app_bytes.as_ptr();
            }
        }
        let mut raw = context.as_ptr();
        let capture = Capture::start();
        // SAFETY: the context is allocated; the call frees it and writes null when it fails; the URL is terminated, and the options
        // are ours. Up to FFmpeg 5 the format is a pointer to constants, as it is here.
        let code = interrupt_callback.during(|| unsafe {
            ffi::avformat_open_input(&mut raw, url.as_c_str().as_ptr(), format, options.as_mut_ptr())
        });
        let Some(context) = NonNull::new(raw).filter(|_| code >= 0) else {
            let error = crate::raw::ffmpeg_error("avformat_open_input", code, capture.lines());
            let mut error = interrupt_callback.explain(error);
            if let Some(mut app_bytes) = app_bytes {
                error = app_bytes.explain(error);
            }
            return Err(not_opened(&url, error));
        };
        let (last_is_cut, early_end, seeks, _claim) = (false, None, 0, claim);
        let mut input = Input { context, url, app_bytes, interrupt_callback, last_is_cut, early_end, seeks, _claim };
        if setup.format.is_none() && input.format_name() == "tty" {
            // FFmpeg draws any longer text file as a picture of a terminal.
            let detail = "this is text, not a media file";
            return Err(input.url.error(ErrorKind::InvalidData, "avformat_open_input", detail));
        }
        input.refuse_unknown(&options)?;
        let context = input.context.as_ptr();
        // SAFETY: the context is open; no options are passed.
        let code =
            input.interrupt_callback.during(|| unsafe { ffi::avformat_find_stream_info(context, ptr::null_mut()) });
        if code < 0 || input.interrupt_callback.has_ended() {
            let error = crate::raw::ffmpeg_error("avformat_find_stream_info", code.min(0), capture.lines());
            let error = input.explain(error);
            return Err(not_opened(&input.url, error));
        }
        let lines = capture.lines();
        if input.lies_behind(&lines) {
            let error =
                crate::raw::ffmpeg_error("avformat_find_stream_info", 0, lines).with_kind(ErrorKind::Unsupported);
            return Err(input.url.name(error.detail(INDEX_AT_END)));
        }
        Ok(input)
    }
    /// Refuses options that neither the format nor the protocol took.
    fn refuse_unknown(&self, options: &Dictionary) -> Result<()> {
        // SAFETY: an open input has its format, which is static, as its class is; the general class is static too.
        let (format, general) = unsafe { ((*self.get().iformat).priv_class, ffi::avformat_get_class()) };
        let known = [format, general, self.url.protocol_class()];
        options.refuse_rest("avformat_open_input", &known).map_err(|error| self.url.name(error))
    }
    /// The error of a call that failed: the reason that FFmpeg has no code for, where there is one.
    pub(in crate::raw) fn explain(&mut self, error: Error) -> Error {
        let error = self.interrupt_callback.explain(error);
        match &mut self.app_bytes {
            Some(app_bytes) if !self.interrupt_callback.has_ended() => app_bytes.explain(error),
            _ => error,
        }
    }
    pub(in crate::raw) fn get(&self) -> &ffi::AVFormatContext {
        // SAFETY: self owns the context, and FFmpeg writes to it only in calls that take `&mut self`.
        unsafe { self.context.as_ref() }
    }
    pub(in crate::raw) fn as_mut_ptr(&mut self) -> *mut ffi::AVFormatContext {
        self.context.as_ptr()
    }
    pub(in crate::raw) fn interrupt_callback(&self) -> &InterruptCallback {
        &self.interrupt_callback
    }
    /// Whether its bytes come from a file or the application, and not from a server that may have ways of its own.
    pub(in crate::raw) fn reads_bytes_here(&self) -> bool {
        self.app_bytes.is_some() || self.url.file().is_some()
    }
    /// How often it has sought.
    pub(crate) fn seeks(&self) -> u32 {
        self.seeks
    }
    /// After a seek, which loses what was read ahead even if it fails.
    pub(in crate::raw) fn moved(&mut self, done: bool) {
        self.seeks = self.seeks.wrapping_add(1);
        self.last_is_cut = false;
        self.early_end = None;
        if done {
            self.interrupt_callback.rearm();
            if let Some(app_bytes) = &mut self.app_bytes {
                app_bytes.clear_failure();
            }
        }
    }
    pub(crate) fn url(&self) -> &Url {
        &self.url
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
    /// Reads the next packet into an empty one (av_read_frame); `false` at the end of the file.
    pub(crate) fn read(&mut self, packet: &mut RawPacket) -> Result<bool> {
        let (context, to) = (self.context.as_ptr(), packet.as_ptr());
        let mut code = ffi::AVERROR_EAGAIN;
        let capture = Capture::start();
        for _ in 0..ATTEMPTS {
            // SAFETY: the context is open and borrowed mutably; the packet is ours and empty.
            code = self.interrupt_callback.during(|| unsafe { ffi::av_read_frame(context, to) });
            if code != ffi::AVERROR_EAGAIN {
                break;
            }
        }
        let lines = capture.finish();
        // Only the first failure: behind one that is at the end, all lies behind.
        let behind = !lines.is_empty() && self.early_end.is_none() && self.lies_behind(&lines);
        if !lines.is_empty() && !behind {
            self.note_early_end(&lines);
        }
        if code == ffi::AVERROR_EOF {
            // A demuxer may take a failing read for the end of the file.
            code = self.io_error();
            if code >= 0 {
                self.end();
                return Ok(false);
            }
        }
        if code < 0 {
            let mut error = crate::raw::ffmpeg_error("av_read_frame", code, lines);
            if code == ffi::AVERROR_EAGAIN {
                error = error.with_kind(ErrorKind::Io(io::ErrorKind::WouldBlock));
            }
            let detail = match &self.early_end {
                None if behind => {
                    error = error.with_kind(ErrorKind::Unsupported);
                    INDEX_AT_END
                }
                Some(_) if code == ffi::AVERROR_INVALIDDATA => "the file is cut off here",
                _ => "reading failed before the end of the file",
            };
            let error = self.explain(error.detail(detail));
            return Err(self.url.name(error));
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
    /// Whether a demuxer has named a place that was read before ("stream 0, offset 0x30: partial file"), of what is
    /// read only once.
    fn lies_behind(&self, lines: &[Line]) -> bool {
        // SAFETY: `pb` is null or the context's own reader.
        let Some(reader) = (unsafe { self.get().pb.as_ref() }) else { return false };
        let ahead = (reader.buf_end as i64).saturating_sub(reader.buf_ptr as i64);
        let here = reader.pos.saturating_sub(ahead);
        let behind = |line: &Line| {
            let digits = line.text.split_once("offset 0x")?.1.split_once(": partial file")?.0;
            Some(i64::from_str_radix(digits, 16).ok()? < here)
        };
        reader.seekable == 0 && lines.iter().any(|line| behind(line).unwrap_or(false))
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
            crate::error::guard::say!(Warn, "{} ends before its time: {told}", self.url);
        }
        self.last_is_cut = false;
    }
    /// What FFmpeg said when the file ended before its time.
    pub(crate) fn early_end(&self) -> Option<&str> {
        self.early_end.as_deref()
    }
}

/// A container format of FFmpeg's, by name (av_find_input_format).
fn format_by_name(name: &str) -> Result<*const ffi::AVInputFormat> {
    let wanted = c_string("format", name)?;
    // SAFETY: a terminated string; the result is null or static.
    let found = unsafe { ffi::av_find_input_format(wanted.as_ptr()) };
    if found.is_null() {
        let detail = format!("this FFmpeg reads no format `{name}`: `ffmpeg -demuxers` lists those that it reads");
        return Err(Error::new(ErrorKind::Unsupported, "av_find_input_format").detail(detail));
    }
    Ok(found.cast())
}

/// Whether it is a file of no bytes, which its length alone does not tell on Linux's /proc.
fn is_empty(path: &Path) -> bool {
    let no_length = fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() == 0);
    no_length && fs::File::open(path).and_then(|mut file| file.read(&mut [0])).is_ok_and(|read| read == 0)
}

/// The reason in words, where FFmpeg's code has none or a general one.
fn not_opened(url: &Url, error: Error) -> Error {
    let detail = match error.kind() {
        _ if error.explanation().is_some() => return url.name(error),
        ErrorKind::Io(io::ErrorKind::NotFound) => "there is no such file",
        ErrorKind::Io(io::ErrorKind::PermissionDenied) => "the file must not be read (permission denied)",
        ErrorKind::InvalidData | ErrorKind::EndOfStream => "this is no media file, or a damaged one",
        _ => return url.name(error),
    };
    let kind = match error.kind() {
        ErrorKind::EndOfStream => ErrorKind::InvalidData,
        kind => kind.clone(),
    };
    url.name(error.with_kind(kind).detail(detail))
}

impl Drop for Input {
    fn drop(&mut self) {
        let _lines = Capture::start();
        let mut context = self.context.as_ptr();
        // SAFETY: self owns the open context and is not used again; this also closes the file, unless it is the application's, whose
        // reader is dropped after this.
        self.interrupt_callback.during(|| unsafe { ffi::avformat_close_input(&mut context) });
    }
}

static_assertions::assert_impl_all!(Input: Send);
static_assertions::assert_not_impl_any!(Input: Sync, Clone);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_read_that_a_demuxer_takes_for_the_end_is_an_error() {
        let setup = InputSetup { format: None, options: &[], interrupt_callback: InterruptCallback::new(None, None) };
        let mut input = Input::open(Url::new(&media::standard().path).unwrap(), None, &setup).unwrap();
        let mut packets = 0;
        loop {
            let mut packet = RawPacket::new().unwrap();
            if !input.read(&mut packet).unwrap() {
                break;
            }
            packets += 1;
        }
        assert_eq!(packets, 250);
        // SAFETY: the context is open, and has its reader.
        unsafe { (*input.context.as_mut().pb).error = ffi::AVERROR_EIO };
        let error = input.read(&mut RawPacket::new().unwrap()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Io(_)), "{error}");
    }
}
