//! [`Packet`] -> file. Tracks are added while [`Configured`]; the header is written by `open`, the trailer by `finish`.

use crate::{
    Encoder, Error, Failed, Memory, Packet, Result, Stream,
    raw::{
        input::Location,
        output::{Container, Output, TrackSetup},
        sealed,
    },
};
use std::{
    fmt, fs,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

/// An output file (an AVFormatContext). `Send`, not `Sync`.
#[must_use = "a file without its trailer cannot be played: call `finish`"]
pub struct Muxer<S: State = Opened>(S);

/// Plain data: nothing is written yet, and no file exists.
pub struct Configured {
    id: u64,
    location: Location,
    container: Container,
    tracks: Vec<TrackSetup>,
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
        let location = Location::new(url.as_ref())?;
        let container = Container::of(&location)?;
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        Ok(Muxer(Configured { id, location, container, tracks: Vec::new() }))
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
        let setup = TrackSetup::encoded(encoder.context(), time_base, frame_rate, encoder.picture())?;
        let track = self.add_track(setup)?;
        if self.0.container.has_global_header() {
            encoder.headers_in_container();
        }
        Ok(track)
    }
    /// A track copied from an input, not encoded again (avcodec_parameters_copy), with its side data, disposition and language.
    ///
    /// # Errors
    /// `Unsupported` if the container cannot hold the codec.
    pub fn add_copy(&mut self, stream: &Stream) -> Result<Track> {
        self.add_track(TrackSetup::copied(stream.info()))
    }
    fn add_track(&mut self, setup: TrackSetup) -> Result<Track> {
        let index = self.0.tracks.len();
        self.0.container.check(&setup, index).map_err(|error| self.0.location.name(error))?;
        self.0.tracks.push(setup);
        Ok(Track { muxer: self.0.id, index })
    }
    /// Makes the file, replacing one of the same name, and writes its header (avio_open2, avformat_write_header).
    ///
    /// # Errors
    /// The muxer comes back with the reason: `Io` if the file cannot be made, `InvalidSetting` if no track was added, what FFmpeg
    /// says where the tracks do not fit the container. A file that was made for nothing is removed.
    pub fn open(self) -> Result<Muxer, Failed<Self>> {
        let Configured { id, location, container, tracks } = &self.0;
        if tracks.is_empty() {
            let error = location.name(Error::invalid("tracks", "a file needs a track: `add` or `add_copy` one"));
            return Err(Failed::new(error, self));
        }
        let new = location.file().filter(|path| fs::symlink_metadata(path).is_err());
        match Output::open(*container, location, tracks) {
            Ok(output) => Ok(Muxer(Opened { id: *id, output })),
            Err(error) => {
                if let Some(Err(left)) = new.filter(|path| path.exists()).map(fs::remove_file) {
                    log::warn!("avsluice: {location} is empty and cannot be removed: {left}");
                }
                Err(Failed::new(error, self))
            }
        }
    }
}

impl Muxer {
    /// Writes a packet, interleaved with the other tracks' (av_interleaved_write_frame). Its times are rescaled from its own
    /// time base to the track's. A missing duration becomes one frame; missing times follow the packet before, where pictures are out
    /// of order by the order that H.264 and HEVC tell.
    ///
    /// # Errors
    /// `InvalidSetting` if the track is another muxer's, or the times are not those of packets in decoding order; `Io` if
    /// writing fails, which may be an earlier packet's.
    pub fn write(&mut self, track: Track, packet: Packet) -> Result<()> {
        if track.muxer != self.0.id {
            return Err(Error::invalid("track", "this track is another muxer's"));
        }
        self.0.output.write(track.index, packet.0)
    }
    /// Writes what is held back and the trailer, and closes the file (av_write_trailer, avio_closep).
    ///
    /// # Errors
    /// `Io` if the last bytes cannot be written, such as `StorageFull`. The file is closed all the same.
    pub fn finish(self) -> Result<()> {
        self.0.output.finish()
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
