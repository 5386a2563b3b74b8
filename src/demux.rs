//! File -> [`Packet`].

use crate::{
    Error, ErrorKind, Packet, Result, TimeBase, ffi,
    raw::{
        PacketShell,
        input::{Input, Location},
        shell::{Ratio, Shells},
        stream::{Parameters, StreamInfo},
    },
};
use std::{fmt, path::Path, sync::Arc};

/// An input file (an AVFormatContext). `Send`, not `Sync`.
pub struct Demuxer {
    input: Input,
    streams: Vec<Stream>,
    packets: Arc<Shells<ffi::AVPacket>>,
    /// An empty shell, from a call that gave nothing.
    spare: Option<PacketShell>,
}

impl Demuxer {
    /// Opens a file, and reads as much of it as it takes to know its streams (avformat_open_input,
    /// avformat_find_stream_info). A URL works where FFmpeg has the protocol; what exists as a file is a file, also with a colon
    /// in its name.
    ///
    /// # Errors
    /// `Io` if the file cannot be read, `InvalidData` if it is empty, no media file or damaged, `InvalidSetting` for a path with
    /// a NUL byte. The [explanation](Error::explanation) names the file.
    pub fn open(url: impl AsRef<Path>) -> Result<Self> {
        let input = Input::open(Location::new(url.as_ref())?)?;
        let mut demuxer = Demuxer { input, streams: Vec::new(), packets: Shells::new(), spare: None };
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
            return Err(self.input.location().error(ErrorKind::InvalidData, "avformat_find_stream_info", &detail));
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
        self.input.location().error(ErrorKind::NoStream, "av_find_best_stream", &detail)
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
        let mut shell = match self.spare.take() {
            Some(spare) => spare,
            None => self.packets.take()?,
        };
        match self.input.read(&mut shell) {
            Ok(true) => {}
            end_or_error => {
                self.spare = Some(shell);
                return end_or_error.map(|_| None);
            }
        }
        if shell.stream_index() >= self.streams.len() {
            self.find_streams()?;
        }
        if let Some(stream) = self.streams.get(shell.stream_index()) {
            stream.0.mark(&mut shell);
        }
        Ok(Some(Packet(shell)))
    }
    /// The packets of one stream; the others' are dropped.
    pub fn packets(&mut self, stream: &Stream) -> impl Iterator<Item = Result<Packet>> + use<'_> {
        let index = stream.index();
        std::iter::from_fn(move || {
            loop {
                match self.read() {
                    Ok(Some(packet)) if packet.stream() != index => continue,
                    read => break read.transpose(),
                }
            }
        })
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

/// What a stream is: a copy of what the file says of it, so that the demuxer stays free to read.
#[derive(Clone)]
pub struct Stream(Arc<StreamInfo>);

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StreamKind {
    /// Moving pictures, or a cover picture.
    Video,
    /// Sound.
    Audio,
    /// Subtitles.
    Subtitle,
    /// Anything else: time codes, attached fonts.
    Data,
}

impl Stream {
    /// Its place in the file, as in [`Packet::stream`].
    pub fn index(&self) -> usize {
        self.0.index
    }
    /// What its packets' times are counted in.
    pub fn time_base(&self) -> TimeBase {
        TimeBase { num: self.0.time_base.num, den: self.0.time_base.den }
    }
    /// Frames per second of a video stream as a fraction: the average, else the rate that its times fit. `None` where the file
    /// does not tell.
    pub fn frame_rate(&self) -> Option<(u32, u32)> {
        let rate = self.0.frame_rate;
        rate.is_known().then(|| (rate.num.unsigned_abs(), rate.den.unsigned_abs()))
    }
    /// What it carries.
    pub fn kind(&self) -> StreamKind {
        match self.0.parameters.media_type() {
            ffi::AVMEDIA_TYPE_VIDEO => StreamKind::Video,
            ffi::AVMEDIA_TYPE_AUDIO => StreamKind::Audio,
            ffi::AVMEDIA_TYPE_SUBTITLE => StreamKind::Subtitle,
            _ => StreamKind::Data,
        }
    }
    /// FFmpeg's name of the codec (avcodec_get_name): `h264`.
    pub fn codec(&self) -> &'static str {
        self.0.parameters.codec_name()
    }
    /// FFmpeg's name of the codec's profile (avcodec_profile_name): `High`. `None` where the codec has none, or the file does not
    /// tell.
    pub fn profile(&self) -> Option<&'static str> {
        self.0.parameters.profile_name()
    }
    /// Width of the picture, in pixels; 0 if it is no video, or not known.
    pub fn width(&self) -> u32 {
        self.0.parameters.size().map_or(0, |size| size.0)
    }
    /// Height of the picture, in pixels; 0 if it is no video, or not known.
    pub fn height(&self) -> u32 {
        self.0.parameters.size().map_or(0, |size| size.1)
    }
    /// FFmpeg's name of the pixel format that a software decoder gives: `yuv420p`. `None` if it is no video, or not known.
    pub fn pixel_format(&self) -> Option<&'static str> {
        self.0.parameters.pixel_format_name()
    }
    /// Its duration, or the file's where the stream has none of its own, in seconds.
    pub fn duration(&self) -> Option<f64> {
        self.0.duration.map(|ticks| self.time_base().seconds(ticks))
    }
    /// How many frames it has, where the container counts them.
    pub fn frames(&self) -> Option<u64> {
        self.0.frames
    }
    pub(crate) fn info(&self) -> &StreamInfo {
        &self.0
    }
    pub(crate) fn parameters(&self) -> &Parameters {
        &self.0.parameters
    }
    /// The time base.
    pub(crate) fn ratio(&self) -> Ratio {
        self.0.time_base
    }
    /// Frames per second, 0/0 where not known.
    pub(crate) fn rate(&self) -> Ratio {
        self.0.frame_rate
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind() {
            _ if self.0.is_attached_picture() => "cover picture",
            StreamKind::Video => "video",
            StreamKind::Audio => "audio",
            StreamKind::Subtitle => "subtitles",
            StreamKind::Data => "data",
        };
        write!(f, "{kind} ({})", self.codec())
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("index", &self.index())
            .field("kind", &self.kind())
            .field("codec", &self.codec())
            .field("time_base", &self.time_base())
            .finish_non_exhaustive()
    }
}

static_assertions::assert_impl_all!(Demuxer: Send);
static_assertions::assert_not_impl_any!(Demuxer: Sync, Clone);
static_assertions::assert_impl_all!(Stream: Send, Sync, Clone);
