//! Decoding times for encoders that get them wrong.
//!
//! FFmpeg's nvenc takes a frame's place in the order of display as its decoding time, less one *tick* for each B-frame, which is
//! right only where a tick is a frame. With a stream's own clock (1/90000, say) the times of B-frames then lie before their
//! decoding times, and muxers refuse the packets. Here the decoding time of packet `n` is the presentation time of frame
//! `n - delay`, whatever the clock, and whatever the distance between frames.

use std::collections::VecDeque;

/// The presentation times of frames whose place in decoding order has not come.
pub(super) struct Reorder {
    delay: u32,
    /// Ticks of one frame: what lies before the first.
    period: i64,
    packets: u32,
    times: VecDeque<i64>,
}

impl Reorder {
    /// For an encoder whose decoding order runs ahead of display order by at most `delay` frames.
    pub(super) fn new(delay: u32, period: i64) -> Self {
        Reorder { delay, period, packets: 0, times: VecDeque::new() }
    }
    /// A frame was taken.
    pub(super) fn sent(&mut self, pts: Option<i64>) {
        self.times.extend(pts);
    }
    /// The decoding time of the next packet.
    pub(super) fn next(&mut self) -> Option<i64> {
        if self.packets < self.delay {
            let first = *self.times.front()?;
            let before = i64::from(self.delay - self.packets);
            self.packets += 1;
            return Some(first.saturating_sub(before.saturating_mul(self.period)));
        }
        self.times.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::Reorder;

    #[test]
    fn decoding_times_rise_and_stay_below_presentation_times() {
        // Two B-frames, and a gap in the times.
        let display = [0, 100, 200, 900, 1000, 1100, 1200];
        let coding_order = [0, 3, 1, 2, 6, 4, 5];
        let mut reorder = Reorder::new(2, 100);
        display.iter().for_each(|&pts| reorder.sent(Some(pts)));
        let mut last = i64::MIN;
        for frame in coding_order {
            let dts = reorder.next().unwrap();
            assert!(last < dts && dts <= display[frame], "{dts} for {}", display[frame]);
            last = dts;
        }
    }

    #[test]
    fn times_at_the_edge_do_not_overflow() {
        let mut reorder = Reorder::new(3, i64::MAX);
        reorder.sent(Some(i64::MIN + 1));
        assert_eq!(reorder.next(), Some(i64::MIN));
    }

    #[test]
    fn without_b_frames_the_times_are_the_same() {
        let mut reorder = Reorder::new(0, 40);
        reorder.sent(Some(7));
        assert_eq!((reorder.next(), reorder.next()), (Some(7), None));
    }
}
