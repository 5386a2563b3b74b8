//! File, URL or the application's own reader -> [`Packet`].

mod open;
mod packets;
mod seek;
mod stream;

pub use crate::types::seek::{Seek, Time};
pub use open::OpenOptions;
pub use packets::{Packets, Seeks};
pub use seek::Reset;
pub use stream::{Stream, StreamKind};

use crate::{
    Error, ErrorKind, Packet, Result, ffi,
    raw::{avformat::input::Input, recycle::Supply},
};
use std::{
    fmt,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

/// An input (an AVFormatContext): a file, a URL, or what the application reads. `Send`, not `Sync`.
pub struct Demuxer {
    input: Input,
    streams: Vec<Stream>,
    packets: Supply<ffi::AVPacket>,
}

impl Demuxer {
    /// Opens a file, and reads as much of it as it takes to know its streams (avformat_open_input,
    /// avformat_find_stream_info). A URL works where FFmpeg has the protocol; what exists as a file is a file, also with a colon
    /// in its name. No [`Muxer`](crate::Muxer) of this process opens the file while the demuxer lives. A server that says nothing is waited for without end: set a [`timeout`](OpenOptions::timeout) for it.
    ///
    /// # Errors
    /// `Io` if the file cannot be read, `InvalidData` if it is empty, no media file or damaged, `InvalidSetting` for a path with
    /// a NUL byte. The [explanation](Error::explanation) names the file.
    pub fn open(url: impl AsRef<Path>) -> Result<Self> {
        Demuxer::options().open(url)
    }
    /// Reads what the application has, once from its beginning to its end (avio_alloc_context). A reader that can seek goes in by
    /// [`from_read_seek`](Demuxer::from_read_seek), which some files need: an MP4 file may have its index at its end. If it reads a file, that is
    /// not known, and a muxer that is given the same file destroys it.
    ///
    /// # Errors
    /// As [`open`](Demuxer::open). What the reader itself says is the error's `source`, here and in each later call; if it panics,
    /// that is an error as well, and it is not called again.
    pub fn from_read(reader: impl Read + Send + 'static) -> Result<Self> {
        Demuxer::options().from_read(reader)
    }
    /// Reads what the application has, from any place in it. It begins at the reader's beginning, wherever the reader is.
    ///
    /// ```no_run
    /// let file = std::fs::read("in.mp4")?;
    /// let input = avsluice::Demuxer::from_read_seek(std::io::Cursor::new(file))?;
    /// # Ok::<(), avsluice::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`from_read`](Demuxer::from_read).
    pub fn from_read_seek(reader: impl Read + io::Seek + Send + 'static) -> Result<Self> {
        Demuxer::options().from_read_seek(reader)
    }
    /// What else can be said before the opening.
    pub fn options() -> OpenOptions {
        OpenOptions::default()
    }
    fn new(input: Input) -> Result<Self> {
        let mut demuxer = Demuxer { input, streams: Vec::new(), packets: Supply::new() };
        demuxer.find_streams()?;
        Ok(demuxer)
    }
    /// The video stream that a player would show (av_find_best_stream). A cover picture is none.
    ///
    /// # Errors
    /// `NoStream` if the file has no video, `InvalidData` if FFmpeg finds no picture in it.
    pub fn video(&self) -> Result<Stream> {
        let is_video = |stream: &&Stream| stream.kind() == StreamKind::Video && !stream.0.is_attached_picture();
        let best = self.input.best_video().and_then(|index| self.streams.get(index)).filter(is_video);
        let found = best.or_else(|| self.streams.iter().find(is_video)).ok_or_else(|| self.no_video())?;
        if found.width() == 0 {
            // A file's extension alone can make FFmpeg see a stream in it.
            let detail = format!("no picture can be found in its video ({})", found.codec());
            return Err(self.input.url().error(ErrorKind::InvalidData, "avformat_find_stream_info", &detail));
        }
        Ok(found.clone())
    }
    fn no_video(&self) -> Error {
        let streams: Vec<_> = self.streams.iter().map(Stream::to_string).collect();
        let detail = match streams.as_slice() {
            [] => "it has no streams at all".to_string(),
            [only] => format!("it has no video, only {only}"),
            _ => format!("it has no video, only {}", streams.join(", ")),
        };
        self.input.url().error(ErrorKind::NoStream, "av_find_best_stream", &detail)
    }
    /// The streams found so far. Formats such as MPEG-TS may add others while they are read.
    pub fn streams(&self) -> &[Stream] {
        &self.streams
    }
    /// FFmpeg's name of the container; several where one demuxer reads them all: `mov,mp4,m4a,3gp,3g2,mj2`.
    pub fn format(&self) -> &'static str {
        self.input.format_name()
    }
    /// The next packet of any stream, in the file's order (av_read_frame); `None` at the end of the file, and from then on.
    /// Its times are as FFmpeg gives them, in the stream's time base.
    ///
    /// # Errors
    /// `Io` or `InvalidData` where reading fails before the end. The next call goes on behind the damage if the format allows.
    pub fn read(&mut self) -> Result<Option<Packet>> {
        let Some(mut packet) = self.packets.fill(|packet| self.input.read(packet))? else { return Ok(None) };
        if packet.stream_index() >= self.streams.len() {
            self.find_streams()?;
        }
        if let Some(stream) = self.streams.get(packet.stream_index()) {
            stream.0.mark(&mut packet);
            packet.facts_mut().seeks = self.input.seeks();
        }
        Ok(Some(Packet(packet)))
    }
    /// The packets of one stream; the others' are dropped.
    pub fn packets(&mut self, stream: &Stream) -> Packets<&mut Demuxer> {
        Packets::new(self, stream)
    }
    /// The same, with the demuxer inside: for a struct that keeps it.
    pub fn into_packets(self, stream: &Stream) -> Packets<Demuxer> {
        Packets::new(self, stream)
    }
    /// Goes to another place of the file, and resets what has packets of this place inside, in one step (avformat_seek_file,
    /// avcodec_flush_buffers): a decoder, several as a tuple, or `&mut ()` for none. That happens whether the seek goes well or not.
    /// A decoder that was forgotten refuses the next packet with `NotReset`.
    ///
    /// `stream` is the one whose keyframes count. [`Frames::seek`](crate::decode::Frames::seek) is this for frames that are pulled.
    ///
    /// # Errors
    /// `Unsupported` where the format cannot, such as a bare stream, of which [`Seek::Start`] alone works, or where the bytes cannot,
    /// such as a pipe; `Io`.
    pub fn seek(&mut self, stream: &Stream, to: Seek, inside: &mut (impl Reset + ?Sized)) -> Result<()> {
        let result = self.input.seek(stream.info(), to);
        inside.reset();
        result
    }
    /// What FFmpeg said when the file ended before its time: it was cut off, or never finished. `None` before the end, for a
    /// whole file, and for formats that do not tell.
    pub fn early_end(&self) -> Option<&str> {
        self.input.early_end()
    }
    /// Takes in the streams that the file has by now.
    fn find_streams(&mut self) -> Result<()> {
        for index in self.streams.len()..self.input.stream_count() {
            self.streams.push(Stream(Arc::new(self.input.stream(index)?)));
        }
        Ok(())
    }
}

impl fmt::Debug for Demuxer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Demuxer").field("format", &self.format()).field("streams", &self.streams).finish()
    }
}

static_assertions::assert_impl_all!(Demuxer: Send);
static_assertions::assert_not_impl_any!(Demuxer: Sync, Clone);
