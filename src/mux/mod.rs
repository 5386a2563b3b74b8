//! [`Packet`] -> file, URL or the application's own writer. Tracks are added while [`Configured`]; the header is written by `open`, the trailer by `finish`.

mod report;

pub use crate::types::track_report::TrackReport;
pub use report::MuxReport;

use crate::{
    Encoder, Error, ErrorKind, Failed, Interrupt, Memory, Packet, Result, Stream,
    raw::{
        avformat::{
            avio::AppBytes,
            interrupt_callback::InterruptCallback,
            output::{Container, Output, OutputSetup, TrackSetup},
            url::Url,
        },
        sealed,
    },
    types::setting::Setting,
};
use std::{
    fmt, io,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// An output (an AVFormatContext): a file, a URL, or what the application writes. `Send`, not `Sync`.
#[must_use = "a file without its trailer cannot be played: call `finish`"]
pub struct Muxer<S: State = Opened>(S);

/// Plain data: nothing is written yet, and no file exists.
pub struct Configured {
    id: u64,
    url: Url,
    container: Container,
    tracks: Vec<TrackSetup>,
    writer: Option<AppBytes>,
    options: Vec<Setting>,
    fragments: Option<Fragments>,
    timeout: Option<Duration>,
    interrupt: Option<Interrupt>,
}

/// When an MP4 file that is written in fragments begins a new one: it can then be played while it is written, and written where nothing
/// can be written again, such as a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fragments {
    /// With each keyframe of the video.
    AtKeyframes,
    /// After this time.
    Every(Duration),
    /// With each packet: the lowest delay, and the most bytes.
    EachPacket,
}

impl Fragments {
    /// FFmpeg's options for it. The first fragment's index stands at the file's beginning, empty.
    fn settings(self) -> Vec<Setting> {
        let flags = |when| Setting::new("movflags", format!("{when}+empty_moov+default_base_moof"));
        match self {
            Fragments::AtKeyframes => vec![flags("+frag_keyframe")],
            Fragments::EachPacket => vec![flags("+frag_every_frame")],
            Fragments::Every(time) => vec![flags(""), Setting::new("frag_duration", time.as_micros())],
        }
    }
}

/// The header is written; packets go in.
pub struct Opened {
    id: u64,
    output: Output,
}

/// A state of a [`Muxer`]. Sealed.
pub trait State: sealed::MuxerState {}
impl sealed::MuxerState for Configured {}
impl sealed::MuxerState for Opened {}
impl State for Configured {}
impl State for Opened {}

/// A stream of an output file, and of no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Track {
    muxer: u64,
    index: usize,
}

/// Tells the tracks of one muxer from another's.
static NEXT_ID: AtomicU64 = AtomicU64::new(0);

impl Muxer<Configured> {
    /// A file whose container its name's extension tells: .mp4, .mkv, .ts, .h264 ... (av_guess_format). No file is made before
    /// `open`.
    ///
    /// # Errors
    /// `Unsupported` if FFmpeg has no container for the extension, `InvalidSetting` for a path with a NUL byte.
    pub fn create(url: impl AsRef<Path>) -> Result<Self> {
        let url = Url::new(url.as_ref())?;
        let container = Container::of(&url)?;
        Ok(Muxer::configured(url, container, None))
    }
    /// The same with FFmpeg's name of the container: a URL may have no extension (`flv` for RTMP, `mpegts` for SRT and UDP).
    ///
    /// # Errors
    /// `Unsupported` if FFmpeg has no such container, `InvalidSetting` for a path with a NUL byte.
    pub fn create_as(format: &str, url: impl AsRef<Path>) -> Result<Self> {
        let url = Url::new(url.as_ref())?;
        Ok(Muxer::configured(url, Container::named(format)?, None))
    }
    /// What goes to the application's writer, from the beginning to the end and never back (avio_alloc_context): `mpegts`, `matroska`,
    /// `h264`, or `mp4` in [fragments](Muxer::fragmented).
    ///
    /// # Errors
    /// `Unsupported` if FFmpeg has no such container, or it writes files of its own choice.
    pub fn to_write(format: &str, writer: impl io::Write + Send + 'static) -> Result<Self> {
        Muxer::to_application(format, AppBytes::writer(writer))
    }
    /// The same where the writer can go back, as MP4 must to be finished. It begins at the writer's beginning. [`finish_into`](Muxer::finish_into) gives the writer back.
    ///
    /// ```
    /// use avsluice::{Demuxer, Encoder, Format, FramePool, Limit, Muxer, PixelFormat, System, TimeBase, mpeg4};
    /// use std::io::Cursor;
    ///
    /// let pool = FramePool::new(System, Format { width: 64, height: 64, pixels: PixelFormat::Yuv420p })?;
    /// let mut encoder = Encoder::new(&pool, TimeBase::hz(25), mpeg4::Mpeg4::new()).open()?;
    /// let mut output = Muxer::to_write_seek("mp4", Cursor::new(Vec::new()))?;
    /// let track = output.add(&encoder)?;
    /// let mut output = output.open()?;
    /// for pts in 0..5 {
    ///     let mut frame = pool.frame()?;
    ///     frame.set_pts(pts);
    ///     encoder.send(frame)?.try_for_each(|packet| output.write(track, packet?))?;
    /// }
    /// encoder.flush()?.finish(Limit::default(), |packet| output.write(track, packet))?.free();
    /// let file: Cursor<Vec<u8>> = output.finish_into()?;
    ///
    /// let input = Demuxer::from_read_seek(file)?;
    /// assert_eq!(input.video()?.frame_count(), Some(5));
    /// # Ok::<(), avsluice::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`to_write`](Muxer::to_write).
    pub fn to_write_seek(format: &str, writer: impl io::Write + io::Seek + Send + 'static) -> Result<Self> {
        Muxer::to_application(format, AppBytes::seekable_writer(writer))
    }
    fn to_application(format: &str, writer: AppBytes) -> Result<Self> {
        let container = Container::named(format)?;
        if container.opens_files() {
            let detail = format!("the container {format} makes its files itself: use create_as");
            return Err(Error::new(ErrorKind::Unsupported, "av_guess_format").detail(detail));
        }
        let url = Url::of_application("the application's writer")?;
        Ok(Muxer::configured(url, container, Some(writer)))
    }
    fn configured(url: Url, container: Container, writer: Option<AppBytes>) -> Self {
        Muxer(Configured {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            url,
            container,
            tracks: Vec::new(),
            writer,
            options: Vec::new(),
            fragments: None,
            timeout: None,
            interrupt: None,
        })
    }
    /// An option of the format or the protocol, by FFmpeg's name. One that neither has is an error of the opening.
    pub fn option(&mut self, name: &str, value: impl ToString) -> &mut Self {
        self.0.options.push(Setting::new(name, value));
        self
    }
    /// Writes MP4 in fragments (`movflags`). Other containers refuse that at the opening.
    pub fn fragmented(&mut self, fragments: Fragments) -> &mut Self {
        self.0.fragments = Some(fragments);
        self
    }
    /// How long each call may wait for the other side; see [`OpenOptions::timeout`](crate::demux::OpenOptions::timeout).
    pub fn timeout(&mut self, longest: Duration) -> &mut Self {
        self.0.timeout = Some(longest);
        self
    }
    /// Ends the calls' waiting from another thread.
    pub fn interrupt(&mut self, interrupt: &Interrupt) -> &mut Self {
        self.0.interrupt = Some(interrupt.clone());
        self
    }
    /// FFmpeg's name of the container.
    pub fn format(&self) -> &'static str {
        self.0.container.name()
    }
    /// A track for an encoder's packets (avcodec_parameters_from_context). Colour, aspect ratio and HDR metadata come along. A
    /// container that keeps the parameter sets in its header has them from here on, and the encoder leaves them out of its
    /// packets; for the others they stand before each keyframe.
    ///
    /// # Errors
    /// `Unsupported` if the container cannot hold the codec.
    pub fn add<M: Memory>(&mut self, encoder: &Encoder<'_, M>) -> Result<Track> {
        let (time_base, frame_rate) = (encoder.time_base(), encoder.frame_rate());
        let setup = TrackSetup::encoded(encoder.context(), encoder.origin(), time_base, frame_rate, encoder.picture())?;
        let track = self.add_track(setup)?;
        if self.0.container.has_global_header() {
            encoder.extradata_in_container();
        }
        Ok(track)
    }
    /// A track copied from an input, not encoded again (avcodec_parameters_copy), with its side data, disposition and language.
    ///
    /// # Errors
    /// `Unsupported` if the container cannot hold the codec; `InvalidSetting` for a stream of sound whose sample rate or number of channels
    /// is not known, as of one that has no sound in the part that the demuxer looked at. The muxer is as it was: go on without that stream.
    pub fn add_copy(&mut self, stream: &Stream) -> Result<Track> {
        let setup = TrackSetup::copied(stream.info()).map_err(|error| self.0.url.name(error))?;
        self.add_track(setup)
    }
    fn add_track(&mut self, setup: TrackSetup) -> Result<Track> {
        let index = self.0.tracks.len();
        self.0.container.check(&setup, index).map_err(|error| self.0.url.name(error))?;
        self.0.tracks.push(setup);
        Ok(Track { muxer: self.0.id, index })
    }
    /// Makes the file, replacing one of the same name, and writes its header (avio_open2, avformat_write_header).
    ///
    /// # Errors
    /// The muxer comes back with the reason: `Io` if the file cannot be made, `InvalidSetting` if no track was added, what FFmpeg
    /// says where the tracks do not fit the container; `FileInUse`, before anything is touched, if a demuxer of this process reads the file or
    /// another muxer writes it, by whatever name: the file is known by its device and inode. What an application opens itself (for
    /// [`Demuxer::from_read`](crate::Demuxer::from_read), say) and what a format opens beside its own file cannot be known. A file that was made
    /// for nothing is removed, unless the format opens its files itself.
    pub fn open(mut self) -> Result<Muxer, Failed<Self>> {
        match self.0.build() {
            Ok(output) => Ok(Muxer(Opened { id: self.0.id, output })),
            Err(error) => Err(Failed::new(error, self)),
        }
    }
}

impl Configured {
    fn build(&mut self) -> Result<Output> {
        let refuse = |error| Err(self.url.name(error));
        if self.tracks.is_empty() {
            return refuse(Error::invalid("tracks", "a file needs a track: `add` or `add_copy` one"));
        }
        if self.fragments.is_some() && !self.container.has_fragments() {
            let detail = format!("the container {} has no fragments: use mp4 or mov", self.container.name());
            return refuse(Error::new(ErrorKind::Unsupported, "fragmented").detail(detail));
        }
        // What the application says itself comes last, and counts.
        let mut options = self.fragments.map(Fragments::settings).unwrap_or_default();
        options.extend(self.options.iter().cloned());
        let setup = OutputSetup {
            container: self.container,
            url: &self.url,
            tracks: &self.tracks,
            options: &options,
            interrupt_callback: InterruptCallback::new(self.timeout, self.interrupt.clone()),
        };
        Output::open(&setup, &mut self.writer)
    }
}

impl Muxer {
    /// Writes a packet, interleaved with the other tracks' (av_interleaved_write_frame). Its times are rescaled from its own
    /// time base to the track's. A missing duration becomes one frame; missing times follow the packet before, where pictures are out
    /// of order by the order that H.264 and HEVC tell. Where a copied stream's decoding time does not follow the one before, as in files that
    /// were joined, it becomes the next tick, as the ffmpeg program has it: the [report](Muxer::report) counts that, and the log says it once a
    /// track.
    ///
    /// # Errors
    /// `WrongStream` if the packet is not of the encoder or stream that the track was added for (see [`Packet::trusted`]);
    /// `InvalidSetting` if the track is another muxer's, or the times are not those of packets in decoding order; `Io` if
    /// writing fails, which may be an earlier packet's.
    pub fn write(&mut self, track: Track, packet: Packet) -> Result<()> {
        if track.muxer != self.0.id {
            return Err(Error::invalid("track", "this track is another muxer's"));
        }
        self.0.output.write(track.index, packet.0)
    }
    /// Hands on what is buffered so far (avio_flush): for a live output, whose other side waits. What is held back to be interleaved stays.
    ///
    /// # Errors
    /// `Io`, `TimedOut`, `Interrupted`.
    pub fn flush(&mut self) -> Result<()> {
        self.0.output.flush()
    }
    /// What was written so far, and how often the times of copied packets were mended.
    pub fn report(&self) -> MuxReport {
        MuxReport::new(self.0.id, self.0.output.report())
    }
    /// Writes what is held back and the trailer, and closes the file (av_write_trailer, avio_closep). The application's writer is
    /// flushed and dropped. The report says what was written.
    ///
    /// # Errors
    /// `Io` if the last bytes cannot be written, such as `StorageFull`; `NoPackets` if nothing was written before. The file is closed all
    /// the same.
    pub fn finish(self) -> Result<MuxReport> {
        let (_, tracks) = self.0.output.finish()?;
        Ok(MuxReport::new(self.0.id, tracks))
    }
    /// The same, and gives the application's writer back; for the [report](Muxer::report), ask before.
    ///
    /// # Errors
    /// As [`finish`](Muxer::finish); `InvalidSetting` if the writer is no `W`, or a file was written.
    pub fn finish_into<W: 'static>(self) -> Result<W> {
        let writer = self.0.output.finish()?.0.map(AppBytes::into_any);
        writer.and_then(|writer| writer.downcast().ok()).map(|writer| *writer).ok_or_else(|| {
            let detail = format!("what was written to is no {}", std::any::type_name::<W>());
            Error::invalid("writer", detail)
        })
    }
}

impl fmt::Debug for Muxer<Configured> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tracks = self.0.tracks.len();
        f.debug_struct("Muxer").field("format", &self.format()).field("tracks", &tracks).finish()
    }
}
impl fmt::Debug for Muxer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Muxer")
    }
}

static_assertions::assert_impl_all!(Muxer: Send);
static_assertions::assert_not_impl_any!(Muxer: Sync, Clone);
static_assertions::assert_impl_all!(Muxer<Configured>: Send);
static_assertions::assert_not_impl_any!(Muxer<Configured>: Sync, Clone);
static_assertions::assert_impl_all!(Track: Send, Sync, Copy);
