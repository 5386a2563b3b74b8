//! Compressed data, and what times are counted in.

use crate::{Result, TimeBase, raw::RawPacket, types::facts::Origin};
use std::fmt;

/// Compressed data (an AVPacket). It holds no device memory, so it has no `'d`. `Send` and `Sync`.
#[must_use]
pub struct Packet(pub(crate) RawPacket);

impl Packet {
    /// A packet of the application's own: a copy of `data`, with no times, which every track, decoder and filter takes. A decoder wants a whole picture in it; [`Parser`](crate::Parser)
    /// finds them in bytes that are cut anywhere.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub fn new(data: &[u8]) -> Result<Self> {
        crate::raw::enter()?;
        RawPacket::copy_of(data).map(Packet)
    }
    /// The application's word that a track, decoder or filter of another stream takes it. A packet that a demuxer, an encoder or a filter made is
    /// else taken only by what was opened or added for that very stream, and refused with `WrongStream` elsewhere. It is right where the
    /// packets do go on with that stream: the next file of a camera in the decoder of the last one, a new encoder with the settings of
    /// the old one on its track, an encoder's packets in a decoder for a [`Stream`](crate::Stream) that was described. Nobody checks it:
    /// bytes of another codec or with other parameter sets make a broken file.
    ///
    /// ```
    /// use avsluice::{Encoder, Format, FramePool, Muxer, PixelFormat, System, TimeBase, mpeg4};
    /// use std::io::Cursor;
    ///
    /// let pool = FramePool::new(System, Format { width: 64, height: 64, pixels: PixelFormat::Yuv420p })?;
    /// let open = || Encoder::new(&pool, TimeBase::hz(25), mpeg4::Mpeg4::new()).open();
    /// let mut output = Muxer::to_write_seek("mp4", Cursor::new(Vec::new()))?;
    /// let track = output.add(&open()?)?;
    /// let mut output = output.open()?;
    /// let mut second = open()?; // the first one has failed, say
    /// for packet in second.send(pool.frame()?)? {
    ///     output.write(track, packet?.trusted())?;
    /// }
    /// # Ok::<(), avsluice::Error>(())
    /// ```
    pub fn trusted(mut self) -> Self {
        self.0.facts_mut().origin = Origin::default();
        self
    }
    /// Another reference to the same data (av_packet_ref), with the same times, of the same stream: for a second muxer. Nothing is copied.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub fn try_clone(&self) -> Result<Self> {
        self.0.try_clone().map(Packet)
    }
    /// The compressed bytes.
    pub fn data(&self) -> &[u8] {
        self.0.data()
    }
    /// Presentation time, in ticks of [`time_base`](Packet::time_base).
    pub fn pts(&self) -> Option<i64> {
        self.0.pts()
    }
    /// Decoding time, in ticks of [`time_base`](Packet::time_base).
    pub fn dts(&self) -> Option<i64> {
        self.0.dts()
    }
    /// Duration, in ticks of [`time_base`](Packet::time_base); 0 when not known.
    pub fn duration(&self) -> i64 {
        self.0.duration()
    }
    /// What its times are counted in: the input stream's, or the encoder's. `None` when nobody said.
    pub fn time_base(&self) -> Option<TimeBase> {
        TimeBase::from_ratio(self.0.facts().time_base)
    }
    /// Sets the presentation time, in ticks of [`time_base`](Packet::time_base), or of the track that it is written to.
    pub fn set_pts(&mut self, pts: i64) {
        self.0.set_pts(pts);
    }
    /// Sets the decoding time, in the same ticks.
    pub fn set_dts(&mut self, dts: i64) {
        self.0.set_dts(dts);
    }
    /// Sets the duration, in the same ticks.
    pub fn set_duration(&mut self, ticks: i64) {
        self.0.set_duration(ticks);
    }
    /// Says what its times are counted in. They are not changed.
    pub fn set_time_base(&mut self, time_base: TimeBase) {
        self.0.facts_mut().time_base = time_base.ratio();
    }
    /// Says whether decoding can start here, which a container's index needs to know.
    pub fn set_keyframe(&mut self, is_key: bool) {
        self.0.set_key(is_key);
    }
    /// Whether decoding can start here.
    pub fn is_keyframe(&self) -> bool {
        self.0.is_keyframe()
    }
    /// Index of the input stream that it was read from.
    pub fn stream(&self) -> usize {
        self.0.stream_index()
    }
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packet")
            .field("bytes", &self.data().len())
            .field("pts", &self.pts())
            .field("keyframe", &self.is_keyframe())
            .finish()
    }
}

static_assertions::assert_impl_all!(Packet: Send, Sync);
static_assertions::assert_not_impl_any!(Packet: Clone);
static_assertions::assert_eq_size!(Packet, *const ());
