//! One stream of a file that is written: what its packets lack is added here, before FFmpeg sees them.

use super::{
    reorder::{PictureOrder, Reorder},
    setup::TrackSetup,
};
use crate::raw::{PacketShell, Result, bsf::BsfContext, shell::Ratio};
use crate::{Error, ErrorKind, ffi};
use std::collections::VecDeque;

/// A track of an open output.
pub(super) struct Track {
    time_base: Ratio,
    /// One frame in ticks of the time base; 0 when not known.
    period: i64,
    timing: Timing,
    /// When the next packet is due if it does not say.
    next: i64,
    /// Decoding time of the last packet that FFmpeg took.
    pub(super) last_written: Option<i64>,
    headers: Option<BsfContext>,
    ready: VecDeque<PacketShell>,
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
    reorder: Option<(PictureOrder, Reorder<PacketShell>)>,
}

/// Makes decoding times from presentation times: FFmpeg did so until a later version refuses packets without.
struct DecodingTimes {
    delay: usize,
    /// The last presentation times, in order.
    recent: Vec<i64>,
}

impl Track {
    /// After the header was written, which settles the time base.
    pub(super) fn new(setup: &TrackSetup, time_base: Ratio, has_times: bool, headers: Option<BsfContext>) -> Self {
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
        Track { time_base, period, timing, next: 0, last_written: None, headers, ready: VecDeque::new() }
    }
    /// Takes a packet in decoding order.
    pub(super) fn push(&mut self, mut packet: PacketShell) -> Result<()> {
        packet.rescale(self.time_base);
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
    pub(super) fn pop(&mut self) -> Result<Option<PacketShell>> {
        let reordered = match &mut self.timing {
            Timing::OutOfOrder(track) => track.reorder.as_mut().and_then(|(_, reorder)| reorder.pop()).map(shown),
            _ => None,
        };
        let Some(mut packet) = self.ready.pop_front().or(reordered) else { return Ok(None) };
        if let Some(headers) = &mut self.headers {
            headers.run(&mut packet)?;
        }
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
    fn reorder(&mut self, mut packet: PacketShell, time: i64) -> Result<()> {
        let parameters = &self.setup.parameters;
        let delay = parameters.video_delay();
        let (order, reorder) = match &mut self.reorder {
            Some(reorder) => reorder,
            None if PictureOrder::is_told(parameters.codec_id()) => {
                self.reorder.insert((PictureOrder::new(parameters)?, Reorder::new(delay)))
            }
            None => return Err(no_times("and its pictures are not in the order in which they are shown")),
        };
        let early = packet.duration().saturating_mul(delay as i64);
        packet.get_mut().dts = time.saturating_sub(early);
        let (picture, is_key) = (order.of(&packet), packet.is_key());
        reorder.push(packet, picture, is_key, time);
        Ok(())
    }
}

/// A packet whose presentation time was found.
fn shown((mut packet, time): (PacketShell, i64)) -> PacketShell {
    let dts = packet.get().dts;
    set_times(&mut packet, time.max(dts), dts);
    packet
}

fn set_times(packet: &mut PacketShell, pts: i64, dts: i64) {
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
    fn decoding_times_rise_and_are_never_after_the_presentation() {
        let mut times = DecodingTimes { delay: 2, recent: Vec::new() };
        let shown = [0, 4, 2, 1, 3, 8, 6, 5, 7];
        let decoded = shown.map(|pts| times.next(pts, 1));
        assert_eq!(decoded, [-2, -1, 0, 1, 2, 3, 4, 5, 6]);
        assert!(shown.iter().zip(decoded).all(|(pts, dts)| dts <= *pts));
    }
}
