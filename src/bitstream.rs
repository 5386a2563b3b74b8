//! Compressed data without a container: a [`Parser`] cuts bytes into packets, a [`BitstreamFilter`] changes packets.

use crate::{
    Error, ErrorKind, Failed, Packet, Result, Stream,
    codec::{Ready, Receive},
    demux::{Reset, Seeks},
    ffi,
    raw::{
        avcodec::{bsf::BsfContext, context::Step, parser::ParserContext},
        recycle::Supply,
    },
    types::{
        facts::{Facts, Origin},
        seek::{Seek, Time},
    },
};
use std::{collections::VecDeque, fmt, sync::Arc};

/// Bytes of a bare bitstream, cut anywhere -> packets of one picture each (an AVCodecParser). `Send`, not `Sync`.
///
/// ```
/// use avsluice::{Decoder, Parser, Stream, System, TimeBase};
///
/// let stream = Stream::of_packets("h264", TimeBase::hz(90_000))?;
/// let mut parser = Parser::new(&stream)?;
/// let mut decoder = Decoder::new(System, &stream).open()?;
/// # let received: [&[u8]; 2] = [&[0, 0, 1, 9], &[0x10, 0, 0, 1, 9, 0x10]];
/// for (time, bytes) in (0..).zip(received) {
///     for packet in parser.send(bytes, Some(time))? {
///         for frame in decoder.send(packet?)? {
///             println!("{:?}", frame?.pts());
///         }
///     }
/// }
/// # Ok::<(), avsluice::Error>(())
/// ```
pub struct Parser {
    context: ParserContext,
    facts: Facts,
    packets: Supply<ffi::AVPacket>,
    /// The last picture is due: its end is the stream's.
    ending: bool,
}

impl Parser {
    /// A parser for the stream's codec.
    ///
    /// # Errors
    /// `Unsupported` if the stream is no video, or FFmpeg cannot parse its codec.
    pub fn new(stream: &Stream) -> Result<Self> {
        let origin = stream.info().origin;
        let facts = Facts { time_base: stream.ratio(), frame_rate: stream.rate(), origin, ..Facts::default() };
        let context = ParserContext::new(stream.parameters())?;
        Ok(Parser { context, facts, packets: Supply::new(), ending: false })
    }
    /// Takes bytes, and gives the pictures that are complete. `pts` is the presentation time of the first picture that begins in them, in
    /// ticks of the stream's time base; other pictures have none. The end of a picture shows with the beginning of the next.
    ///
    /// # Errors
    /// `OutOfMemory`. Damaged bytes are passed on: the decoder says what is wrong.
    pub fn send(&mut self, bytes: &[u8], pts: Option<i64>) -> Result<Ready<'_, Packet>> {
        self.context.push(bytes, pts);
        Ok(Ready::new(self))
    }
    /// Says that the stream has ended, and gives the last picture. The parser can then be used for another.
    pub fn end(&mut self) -> Ready<'_, Packet> {
        self.ending = true;
        Ready::new(self)
    }
}

impl Receive<Packet> for Parser {
    fn receive(&mut self) -> Result<Option<Packet>> {
        let found = self.packets.fill(|packet| match self.context.next(packet)? {
            false if std::mem::take(&mut self.ending) => self.context.end(packet),
            found => Ok(found),
        })?;
        Ok(found.map(|packet| Packet(packet.with_facts(self.facts))))
    }
}

impl fmt::Debug for Parser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parser")
    }
}

/// Packets -> packets, by FFmpeg's bitstream filters (an AVBSFContext): other framing, edited headers, no picture decoded. `Send`, not
/// `Sync`.
///
/// ```no_run
/// use avsluice::{BitstreamFilter, Demuxer};
///
/// let mut input = Demuxer::open("in.mp4")?;
/// let video = input.video()?;
/// // NAL units with start codes, and the parameter sets before each keyframe: what WebRTC and bare files want.
/// let mut filter = BitstreamFilter::new("h264_mp4toannexb", &video)?;
/// for packet in filter.packets(input.packets(&video)) {
///     println!("{} bytes", packet?.data().len());
/// }
/// # Ok::<(), avsluice::Error>(())
/// ```
pub struct BitstreamFilter {
    context: BsfContext,
    /// Of the packets that go in.
    input: Origin,
    output: Stream,
    facts: Facts,
    packets: Supply<ffi::AVPacket>,
    /// What had to come out before the end could be said, which loses it.
    pending: VecDeque<Packet>,
    ended: bool,
}

impl BitstreamFilter {
    /// One filter or several, as FFmpeg writes them: `h264_metadata=level=4.1,h264_mp4toannexb` (av_bsf_list_parse_str). `ffmpeg -bsfs`
    /// lists their names.
    ///
    /// # Errors
    /// `Unsupported` for a filter that FFmpeg does not have, or that does not know the codec; `InvalidSetting` for an option; `InvalidData` if
    /// the stream's parameter sets are not what the filter wants.
    pub fn new(chain: &str, stream: &Stream) -> Result<Self> {
        let context = BsfContext::new(chain, stream.parameters(), stream.ratio())?;
        let output = Stream(Arc::new(context.output(stream.info())?));
        let origin = output.info().origin;
        let facts = Facts { time_base: output.ratio(), frame_rate: output.rate(), origin, ..Facts::default() };
        Ok(BitstreamFilter {
            context,
            input: stream.info().origin,
            output,
            facts,
            packets: Supply::new(),
            pending: VecDeque::new(),
            ended: false,
        })
    }
    /// What comes out: for the decoder, or the muxer's [`add_copy`](crate::Muxer::add_copy). Those refuse the packets that have not been through
    /// the filter.
    pub fn stream(&self) -> &Stream {
        &self.output
    }
    /// Takes a packet, and gives those that are ready (av_bsf_send_packet). What the last `Ready` held is to be taken first.
    ///
    /// # Errors
    /// The packet comes back: `Full` if that was not taken; `WrongStream` if it is of another stream than the filter was made for;
    /// `EndOfStream` after [`end`](Self::end). What is wrong with a packet shows
    /// where the `Ready` is read, as `InvalidData`.
    pub fn send(&mut self, mut packet: Packet) -> Result<Ready<'_, Packet>, Failed<Packet>> {
        let Facts { seeks: place, origin, .. } = packet.0.facts();
        if !self.input.takes(origin) {
            let error = Error::wrong_stream(self.input.why_not(origin, "the bitstream filter"));
            return Err(Failed::new(error, packet));
        }
        let sent = if self.ended { Ok(Step::End) } else { self.context.send(Some(&mut packet.0)) };
        let refuse = |kind| Error::new(kind, "av_bsf_send_packet");
        let error = match sent {
            Ok(Step::Done) => {
                self.facts.seeks = place;
                return Ok(Ready::new(self));
            }
            Ok(Step::Again) => refuse(ErrorKind::Full),
            Ok(Step::End) => refuse(ErrorKind::EndOfStream),
            Err(error) => error,
        };
        Err(Failed::new(error, packet))
    }
    /// Says that the stream has ended, and gives what is left inside.
    ///
    /// # Errors
    /// What the filter reports.
    pub fn end(&mut self) -> Result<Ready<'_, Packet>> {
        if !self.ended {
            while let Some(packet) = self.receive_from_filter()? {
                self.pending.push_back(packet);
            }
            self.ended = true;
            self.context.send(None)?;
        }
        Ok(Ready::new(self))
    }
    /// The packets of an iterator, filtered, to its end.
    pub fn packets<P: Iterator<Item = Result<Packet>>>(&mut self, packets: P) -> Filtered<'_, P> {
        Filtered { filter: self, packets }
    }
}

impl BitstreamFilter {
    fn receive_from_filter(&mut self) -> Result<Option<Packet>> {
        let received = self.packets.fill(|packet| Ok(self.context.receive(packet)? == Step::Done))?;
        Ok(received.map(|packet| Packet(packet.with_facts(self.facts))))
    }
}

impl Receive<Packet> for BitstreamFilter {
    fn receive(&mut self) -> Result<Option<Packet>> {
        match self.pending.pop_front() {
            Some(packet) => Ok(Some(packet)),
            None => self.receive_from_filter(),
        }
    }
}

impl Reset for BitstreamFilter {
    /// Discards what is inside, as is due after a seek, and takes packets again after the end (av_bsf_flush).
    fn reset(&mut self) {
        self.context.reset();
        self.pending.clear();
        self.ended = false;
    }
}

impl fmt::Debug for BitstreamFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BitstreamFilter").field("stream", &self.output).finish()
    }
}

/// The packets of an iterator, filtered.
#[derive(Debug)]
#[must_use = "packets are filtered as they are asked for"]
pub struct Filtered<'f, P> {
    filter: &'f mut BitstreamFilter,
    packets: P,
}

impl<P: Iterator<Item = Result<Packet>>> Iterator for Filtered<'_, P> {
    type Item = Result<Packet>;
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.filter.receive() {
                Ok(None) if self.filter.ended => return None,
                Ok(None) => {}
                ready => return ready.transpose(),
            }
            let sent = match self.packets.next() {
                Some(packet) => packet.and_then(|packet| self.filter.send(packet).map(drop).map_err(Error::from)),
                None => self.filter.end().map(drop),
            };
            if let Err(error) = sent {
                return Some(Err(error));
            }
        }
    }
}

impl<P: Seeks> Seeks for Filtered<'_, P> {
    fn seek_to(&mut self, to: Seek) -> Result<()> {
        self.filter.reset();
        self.packets.seek_to(to)
    }
    fn ticks(&self, time: Time) -> i64 {
        self.packets.ticks(time)
    }
    fn ticks_in_a_second(&self) -> i64 {
        self.packets.ticks_in_a_second()
    }
}

static_assertions::assert_impl_all!(Parser: Send);
static_assertions::assert_not_impl_any!(Parser: Sync, Clone);
static_assertions::assert_impl_all!(BitstreamFilter: Send);
static_assertions::assert_not_impl_any!(BitstreamFilter: Sync, Clone);
