//! What FFmpeg's muxers crash on, abort on or never come back from, and what is refused for it: no more than that.
//!
//! | muxer | what goes wrong | FFmpeg | refused |
//! |---|---|---|---|
//! | asf, nut, dvd and its kin | times near the ends of 64 bits: an assertion fails, or the muxer never returns | 5.1 | beyond 2^61 ticks, in every container |
//! | mp4, mov and their kin, in fragments; ismv | an assertion on the length of a sample fails once a packet had a duration, or a distance from pts to dts, of 31 bits | 5.1 | those packets |
//! | avif | the trailer, with a packet or without, where the pixel format is not known: a null pointer | 5.1 | such a track |
//! | vc1test | a stream without parameter sets: a null pointer | 5.1 | such a track |
//! | dash | a segment that lasts no time: a division by zero | 5.1 | the end, if nothing is in the first track; packets are made to last ([`Lasting`]) |
//! | rtp | small packets: memcpy of a negative size | 5.1 | below 256 bytes |
//!
//! Found with 5,500 sequences of packets with odd times in 75 pairs of container and codec, dash by `cargo xtask attack` and a review; other
//! versions were not searched.

use super::{Container, TrackSetup};
use crate::{
    error::{Error, ErrorKind, Result},
    ffi,
    raw::{RawPacket, strings::SMALLEST_PACKET},
    types::time::Ratio,
};

/// Times beyond it, either way from 0, are refused: FFmpeg adds and subtracts them without a thought of 64 bits. In nanoseconds it is 73 years.
const FARTHEST: i64 = 1 << 61;

/// Rescales a packet's times to its track's ticks, and refuses those that are beyond [`FARTHEST`] there.
pub(super) fn rescale(packet: &mut RawPacket, time_base: Ratio) -> Result<()> {
    let times =
        |packet: &RawPacket| [("pts", packet.pts()), ("dts", packet.dts()), ("duration", Some(packet.duration()))];
    let before = times(packet);
    packet.rescale(time_base);
    for ((name, before), (_, after)) in before.into_iter().zip(times(packet)) {
        // FFmpeg's result for a time that 64 bits do not hold is the value for "unknown".
        let fits = after.map_or(before.is_none(), |ticks| (-FARTHEST..=FARTHEST).contains(&ticks));
        if !fits {
            return Err(refuse(name, before.unwrap_or_default(), "no container has times so far from 0"));
        }
    }
    Ok(())
}

/// Refuses times that became too far from 0 where missing ones were worked out.
pub(super) fn check_times(packet: &RawPacket) -> Result<()> {
    let times = [("pts", packet.pts()), ("dts", packet.dts())];
    let far = times.into_iter().find(|(_, time)| time.is_some_and(|time| !(-FARTHEST..=FARTHEST).contains(&time)));
    far.map_or(Ok(()), |(name, time)| {
        Err(refuse(name, time.unwrap_or_default(), "no container has times so far from 0"))
    })
}

/// How long a packet may last, and how far its presentation may be from its decoding, in ticks of its track.
pub(super) fn longest(container: Container) -> i64 {
    const WITH_MP4_INSIDE: [&str; 6] = ["dash", "hls", "smoothstreaming", "avif", "segment", "stream_segment"];
    // A format may have several names: `stream_segment,ssegment`.
    let has_mp4_inside = container.name().split(',').any(|name| WITH_MP4_INSIDE.contains(&name));
    let has_31_bits = container.has_fragments() || has_mp4_inside;
    if has_31_bits { i64::from(i32::MAX) - 1 } else { i64::MAX }
}

/// Makes packets last for dash, which divides by the microseconds of its segments. A segment begins where all before it has ended, and of a video with a
/// keyframe, of other streams with any packet: such a packet ends behind all before it.
pub(super) struct Lasting {
    /// A microsecond in ticks of the track, one tick at least.
    shortest: i64,
    is_video: bool,
    /// The furthest end of a packet.
    end: Option<i64>,
}

impl Lasting {
    /// `None` for a container that needs none of it.
    pub(super) fn new(container: Container, time_base: Ratio, is_video: bool) -> Option<Self> {
        let microsecond = Ratio { num: 1, den: 1_000_000 };
        (container.name() == "dash").then(|| Lasting {
            shortest: microsecond.rescale(1, time_base).max(1),
            is_video,
            end: None,
        })
    }
    /// Makes a packet last as long as it must, when it is about to be written. Of a stream whose times go on, no packet is changed but those of no
    /// duration.
    pub(super) fn lengthen(&mut self, packet: &mut RawPacket) {
        let Some(pts) = packet.pts() else { return };
        let begins = !self.is_video || packet.is_keyframe();
        let before = self.end.filter(|_| begins).map_or(0, |end| end.saturating_sub(pts).max(0));
        let due = before.saturating_add(self.shortest);
        if packet.duration() < due {
            packet.set_duration(due);
        }
        let end = pts.saturating_add(packet.duration());
        self.end = Some(self.end.map_or(end, |before| before.max(end)));
    }
}

/// Refuses a packet that is longer than `longest` says.
pub(super) fn check_length(packet: &RawPacket, longest: i64) -> Result<()> {
    let (pts, dts) = (packet.pts().unwrap_or_default(), packet.dts().unwrap_or_default());
    if packet.duration() > longest {
        return Err(refuse("duration", packet.duration(), "this container has 31 bits for it"));
    }
    if packet.pts().is_some() && packet.dts().is_some() && pts.saturating_sub(dts).saturating_abs() > longest {
        return Err(refuse("pts", pts, &format!("this container has 31 bits for its distance from the dts {dts}")));
    }
    Ok(())
}

fn refuse(name: &str, ticks: i64, why: &str) -> Error {
    Error::new(ErrorKind::InvalidSetting { name: name.into() }, "write").detail(format!("{name} {ticks}: {why}"))
}

/// Refuses a track without what the muxer takes for granted.
pub(super) fn check_track(container: Container, track: &TrackSetup) -> Result<()> {
    let parameters = track.parameters.get();
    let missing = match container.name() {
        "avif" if parameters.format == ffi::AV_PIX_FMT_NONE.0 => "pixel format",
        "vc1test" if parameters.extradata_size < 4 => "parameter sets (extradata)",
        _ => return Ok(()),
    };
    let codec = track.parameters.codec_name();
    let detail =
        format!("the container {} needs the {missing} of {codec}, which this stream does not tell", container.name());
    Err(Error::new(ErrorKind::Unsupported, "add").detail(detail))
}

/// Refuses to write RTP where less goes into one packet than its muxer can work with. What is said by name is checked with the other options.
pub(super) fn check_packet_size(container: Container, writer: Option<&ffi::AVIOContext>) -> Result<()> {
    let limit = writer.map_or(0, |writer| i64::from(writer.max_packet_size));
    if !container.name().starts_with("rtp") || limit <= 0 || limit >= SMALLEST_PACKET {
        return Ok(());
    }
    let detail =
        format!("what is written to takes {limit} bytes at once: RTP packets are to have {SMALLEST_PACKET} or more");
    Err(Error::invalid("packetsize", detail))
}
