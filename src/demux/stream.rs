//! What a stream of a file is.

use crate::{
    Error, Result, TimeBase, ffi,
    raw::{avcodec::parameters::Parameters, avformat::stream::StreamInfo},
    types::time::Ratio,
};
use std::{fmt, sync::Arc, time::Duration};

/// What a stream is: a copy of what the file says of it, so that the demuxer stays free to read.
#[derive(Clone)]
pub struct Stream(pub(crate) Arc<StreamInfo>);

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
    /// A stream that comes from no demuxer, such as packets out of a network: FFmpeg's name of its codec (`h264`, `opus`), and what its
    /// packets' times are counted in. What a decoder or a muxer needs to know besides is said with the `with_` methods.
    ///
    /// # Errors
    /// `Unsupported` for a codec that FFmpeg does not know, `InvalidSetting` for a time base that is none.
    pub fn of_packets(codec: &str, time_base: TimeBase) -> Result<Self> {
        if time_base.num <= 0 || time_base.den <= 0 {
            return Err(Error::invalid("time_base", format!("{time_base} is no time base: both must be above 0")));
        }
        let info = StreamInfo::of_parameters(Parameters::of_codec(codec)?, time_base.ratio());
        Ok(Stream(Arc::new(info)))
    }
    /// The same with these parameter sets (extradata): SPS and PPS with start codes, or an avcC box's content.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub fn with_extradata(&self, bytes: &[u8]) -> Result<Self> {
        self.with_parameters(self.parameters().with_extradata(bytes)?)
    }
    /// The same with this size of picture, in pixels, which containers write into their header.
    ///
    /// # Errors
    /// `InvalidSetting` beyond 31 bits; `OutOfMemory`.
    pub fn with_size(&self, width: u32, height: u32) -> Result<Self> {
        self.with_parameters(self.parameters().with_size(width, height)?)
    }
    /// The same with this frame rate, as a ratio: frames without times are given theirs by it.
    pub fn with_frame_rate(&self, num: u32, den: u32) -> Self {
        let part = |value| i32::try_from(value).unwrap_or(0);
        let frame_rate = Ratio { num: part(num), den: part(den) };
        Stream(Arc::new(StreamInfo { frame_rate, ..(*self.0).clone() }))
    }
    fn with_parameters(&self, parameters: Parameters) -> Result<Self> {
        Ok(Stream(Arc::new(StreamInfo { parameters: Arc::new(parameters), ..(*self.0).clone() })))
    }
    /// Its place in the file, as in [`Packet::stream`](crate::Packet::stream).
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
    /// Degrees clockwise, 0 to 359, by which its pictures are to be turned to be shown: a telephone's video is often
    /// stored lying. `None` where the file has no display matrix. Each decoded frame says the same
    /// ([`Frame::rotation`](crate::Frame::rotation)).
    pub fn rotation(&self) -> Option<u32> {
        self.0.parameters.rotation()
    }
    /// How long it is; the file's duration where the stream has none of its own.
    pub fn duration(&self) -> Option<Duration> {
        const NANOSECONDS: Ratio = Ratio { num: 1, den: 1_000_000_000 };
        u64::try_from(self.ratio().rescale(self.0.duration?, NANOSECONDS)).ok().map(Duration::from_nanos)
    }
    /// How many frames it has, where the container counts them.
    pub fn frame_count(&self) -> Option<u64> {
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

static_assertions::assert_impl_all!(Stream: Send, Sync, Clone);
