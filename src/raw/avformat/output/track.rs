//! One stream of a file that is written: what its packets lack is added here, before FFmpeg sees them.

use super::{
    limits::{self, Lasting},
    reorder::{PictureOrder, Reorder},
    setup::{Container, TrackSetup},
};
use crate::{
    error::{Error, ErrorKind, Result},
    ffi,
    raw::{RawPacket, avcodec::bsf::BsfContext},
    types::{facts::Origin, time::Ratio, track_report::TrackReport},
};
use std::collections::VecDeque;

/// A track of an open output.
pub(super) struct Track {
    /// Of its packets.
    pub(super) origin: Origin,
    codec: &'static str,
    mending: Option<Mending>,
    time_base: Ratio,
    /// One frame in ticks of the time base; 0 when not known.
    period: i64,
    timing: Timing,
    /// When the next packet is due if it does not say.
    next: i64,
    /// Decoding time of the last packet that FFmpeg took.
    pub(super) last_written: Option<i64>,
    /// Packets that FFmpeg took.
    pub(super) written: u64,
    mended: u64,
    /// See `limits`.
    longest: i64,
    lasting: Option<Lasting>,
    headers: Option<BsfContext>,
    ready: VecDeque<RawPacket>,
}

/// The times of a copied stream go on where the input's overlap or go back: an encoder's are its own, and must be right.
struct Mending {
    /// From one decoding time to the next at least.
    step: i64,
    told: bool,
}

/// How missing times are found.
enum Timing {
    /// The container stores none.
    None,
    /// Decoding order is presentation order.
    InOrder,
    /// Pictures are shown in another order than they are decoded.
    OutOfOrder(Box<OutOfOrder>),
}

struct OutOfOrder {
    setup: TrackSetup,
    decoding_times: DecodingTimes,
    /// Made for the first packet without a presentation time.
    reorder: Option<(PictureOrder, Reorder<RawPacket>)>,
}

/// Makes decoding times from presentation times: FFmpeg did so until a later version refuses packets without.
struct DecodingTimes {
    delay: usize,
    /// The last presentation times, in order.
    recent: Vec<i64>,
}

impl Track {
    /// After the header was written, which settles the time base.
    pub(super) fn new(setup: &TrackSetup, time_base: Ratio, container: Container, headers: Option<BsfContext>) -> Self {
        let has_times = container.has_times();
        let rate = setup.frame_rate;
        let period = if rate.is_known() { Ratio { num: rate.den, den: rate.num }.rescale(1, time_base) } else { 0 };
        let timing = match setup.parameters.video_delay() {
            _ if !has_times => Timing::None,
            0 => Timing::InOrder,
            delay => Timing::OutOfOrder(Box::new(OutOfOrder {
                setup: setup.clone(),
                decoding_times: DecodingTimes { delay, recent: Vec::new() },
                reorder: None,
            })),
        };
        // FFmpeg takes equal times of these, and subtitles do begin together.
        let at_once = matches!(setup.parameters.media_type(), ffi::AVMEDIA_TYPE_SUBTITLE | ffi::AVMEDIA_TYPE_DATA);
        let step = i64::from(!container.allows_equal_times() && !at_once);
        let mending = (has_times && !setup.is_encoded()).then_some(Mending { step, told: false });
        let is_video = setup.parameters.media_type() == ffi::AVMEDIA_TYPE_VIDEO;
        Track {
            origin: setup.origin,
            codec: setup.parameters.codec_name(),
            mending,
            time_base,
            period,
            timing,
            next: 0,
            last_written: None,
            written: 0,
            mended: 0,
            longest: limits::longest(container),
            lasting: Lasting::new(container, time_base, is_video),
            headers,
            ready: VecDeque::new(),
        }
    }
    pub(super) fn report(&self) -> TrackReport {
        TrackReport { codec: self.codec, packets: self.written, mended: self.mended }
    }
    /// Changes a copied packet's times as little as it takes to follow the packet before, as the ffmpeg program does (mux_fixup_ts). What
    /// is to be said of it, the first time.
    pub(super) fn mend(&mut self, packet: &mut RawPacket) -> Option<String> {
        let (mending, last) = (self.mending.as_mut()?, self.last_written);
        let old = (packet.pts()?, packet.dts()?);
        let new = mended(old, last, mending.step);
        if new == old {
            return None;
        }
        set_times(packet, new.0, new.1);
        self.mended += 1;
        let why = match last {
            Some(last) if old.1 < last.saturating_add(mending.step) => format!("does not follow {last}"),
            _ => format!("is after the presentation time {}", old.0),
        };
        let codec = self.codec;
        (!std::mem::replace(&mut mending.told, true))
            .then(|| format!("{codec}: decoding time {} {why}: it becomes {}, and so do others like it", old.1, new.1))
    }
    /// Makes a packet last as long as its container needs, when nothing else of its times changes any more.
    pub(super) fn lengthen(&mut self, packet: &mut RawPacket) -> Result<()> {
        let Some(lasting) = &mut self.lasting else { return Ok(()) };
        lasting.lengthen(packet);
        limits::check_length(packet, self.longest)
    }
    /// Takes a packet in decoding order.
    pub(super) fn push(&mut self, mut packet: RawPacket) -> Result<()> {
        limits::rescale(&mut packet, self.time_base)?;
        if packet.duration() <= 0 {
            packet.set_duration(self.period);
        }
        let duration = packet.duration();
        let (pts, dts) = (packet.pts(), packet.dts());
        match (&mut self.timing, pts, dts) {
            (Timing::None, ..) | (_, Some(_), Some(_)) => {}
            (Timing::InOrder, Some(time), None) | (Timing::InOrder, None, Some(time)) => {
                set_times(&mut packet, time, time)
            }
            (Timing::OutOfOrder(track), Some(pts), None) => {
                let dts = track.decoding_times.next(pts, duration);
                set_times(&mut packet, pts, dts);
            }
            (_, None, None) if duration <= 0 => return Err(no_times("and the stream has no frame rate")),
            (Timing::InOrder, None, None) => set_times(&mut packet, self.next, self.next),
            (Timing::OutOfOrder(track), None, dts) => {
                let time = dts.unwrap_or(self.next);
                self.next = time.saturating_add(duration);
                return track.reorder(packet, time);
            }
        }
        if let Some(dts) = packet.dts() {
            self.next = dts.saturating_add(duration);
        }
        // What waits for its time was before this one.
        self.end();
        self.ready.push_back(packet);
        Ok(())
    }
    /// No further packets come.
    pub(super) fn end(&mut self) {
        if let Timing::OutOfOrder(track) = &mut self.timing {
            if let Some((_, reorder)) = &mut track.reorder {
                reorder.end();
                self.ready.extend(std::iter::from_fn(|| reorder.pop().map(shown)));
            }
        }
    }
    /// A packet that is complete, in decoding order.
    pub(super) fn pop(&mut self) -> Result<Option<RawPacket>> {
        let reordered = match &mut self.timing {
            Timing::OutOfOrder(track) => track.reorder.as_mut().and_then(|(_, reorder)| reorder.pop()).map(shown),
            _ => None,
        };
        let Some(mut packet) = self.ready.pop_front().or(reordered) else { return Ok(None) };
        if let Some(headers) = &mut self.headers {
            headers.run(&mut packet)?;
        }
        limits::check_times(&packet)?;
        limits::check_length(&packet, self.longest)?;
        Ok(Some(packet))
    }
}

impl DecodingTimes {
    /// The smallest of the last presentation times: as many as pictures can be out of order, and this one.
    fn next(&mut self, pts: i64, duration: i64) -> i64 {
        if self.recent.is_empty() {
            self.recent.extend(
                (1..=self.delay as i64).rev().map(|frames| pts.saturating_sub(duration.saturating_mul(frames))),
            );
        }
        let place = self.recent.partition_point(|earlier| *earlier <= pts);
        self.recent.insert(place, pts);
        self.recent.remove(0)
    }
}

impl OutOfOrder {
    fn reorder(&mut self, mut packet: RawPacket, time: i64) -> Result<()> {
        let parameters = &self.setup.parameters;
        let delay = parameters.video_delay();
        let (order, reorder) = match &mut self.reorder {
            Some(reorder) => reorder,
            None if PictureOrder::is_known_for(parameters.codec_id()) => {
                self.reorder.insert((PictureOrder::new(parameters)?, Reorder::new(delay)))
            }
            None => return Err(no_times("and its pictures are not in the order in which they are shown")),
        };
        let early = packet.duration().saturating_mul(delay as i64);
        packet.get_mut().dts = time.saturating_sub(early);
        let (picture, is_key) = (order.of(&packet), packet.is_keyframe());
        reorder.push(packet, picture, is_key, time);
        Ok(())
    }
}

/// A packet whose presentation time was found.
fn shown((mut packet, time): (RawPacket, i64)) -> RawPacket {
    let dts = packet.get().dts;
    set_times(&mut packet, time.max(dts), dts);
    packet
}

/// Times of a packet that follow the last decoding time. Of one that is decoded after it is shown, both become the middle one of the
/// three times that are known.
fn mended((mut pts, mut dts): (i64, i64), last: Option<i64>, step: i64) -> (i64, i64) {
    if dts > pts {
        let follows = last.map_or(i64::MIN, |last| last.saturating_add(1));
        let mut known = [pts, dts, follows];
        known.sort_unstable();
        (pts, dts) = (known[1], known[1]);
    }
    match last.map(|last| last.saturating_add(step)) {
        Some(earliest) if dts < earliest => (pts.max(earliest), earliest),
        _ => (pts, dts),
    }
}

fn set_times(packet: &mut RawPacket, pts: i64, dts: i64) {
    let raw: &mut ffi::AVPacket = packet.get_mut();
    (raw.pts, raw.dts) = (pts, dts);
}

fn no_times(why: &str) -> Error {
    Error::new(ErrorKind::InvalidSetting { name: "pts".into() }, "write")
        .detail(format!("a packet has no presentation time, {why}: decode the stream and encode it again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mended_times_are_those_of_the_ffmpeg_program() {
        // An overlap: on with the last time, and the presentation not before it.
        assert_eq!(mended((10, 10), Some(12), 1), (13, 13));
        assert_eq!(mended((40, 10), Some(12), 1), (40, 13));
        assert_eq!(mended((12, 12), Some(12), 0), (12, 12), "where equal times are allowed");
        assert_eq!(mended((11, 11), Some(12), 0), (12, 12));
        // Decoded after it is shown: the middle one.
        assert_eq!(mended((20, 50), Some(29), 1), (30, 30));
        assert_eq!(mended((20, 50), Some(9), 1), (20, 20));
        assert_eq!(mended((20, 50), Some(69), 1), (70, 70));
        assert_eq!(mended((20, 50), None, 1), (20, 20));
        assert_eq!(mended((20, 10), Some(9), 1), (20, 10), "nothing to mend");
    }

    #[test]
    fn decoding_times_rise_and_are_never_after_the_presentation() {
        let mut times = DecodingTimes { delay: 2, recent: Vec::new() };
        let shown = [0, 4, 2, 1, 3, 8, 6, 5, 7];
        let decoded = shown.map(|pts| times.next(pts, 1));
        assert_eq!(decoded, [-2, -1, 0, 1, 2, 3, 4, 5, 6]);
        assert!(shown.iter().zip(decoded).all(|(pts, dts)| dts <= *pts));
    }
}
