//! Facts that travel with a frame or a packet, and what made a packet: one stream's packets are told from another's by
//! it.

use crate::{ffi, types::time::Ratio};
use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

/// Facts that have no place, or not in every version, in FFmpeg's struct.
#[derive(Clone, Copy, Default)]
pub(crate) struct Facts {
    /// Seconds per tick of its times; 0/0 when nobody said.
    pub(crate) time_base: Ratio,
    /// Frames per second of the stream it comes from; 0/0 when not known.
    pub(crate) frame_rate: Ratio,
    /// How often the input had sought when the packet was read; 0 also for the application's own.
    pub(crate) seeks: u32,
    /// What made a packet; frames have none.
    pub(crate) origin: Origin,
}

/// The one stream, encoder or filter that makes a packet. The default is none: the application's own packet.
#[derive(Clone, Copy)]
pub(crate) struct Origin {
    /// Unique in the process; 0 for none.
    id: u64,
    codec: ffi::AVCodecID,
    /// Place in the input's file.
    index: u16,
    maker: Maker,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Maker {
    Application,
    Input,
    Encoder,
    Filter,
}

/// No id is given twice: 64 bits do not come round.
static NEXT: AtomicU64 = AtomicU64::new(1);

impl Default for Origin {
    fn default() -> Self {
        Origin { id: 0, codec: ffi::AV_CODEC_ID_NONE, index: 0, maker: Maker::Application }
    }
}

impl Origin {
    fn new(maker: Maker, codec: ffi::AVCodecID, index: usize) -> Self {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Origin { id, codec, index: u16::try_from(index).unwrap_or(u16::MAX), maker }
    }
    /// A stream of an input, which has just been opened.
    pub(crate) fn input(codec: ffi::AVCodecID, index: usize) -> Self {
        Origin::new(Maker::Input, codec, index)
    }
    /// A stream of no file, whose packets the application cuts out itself.
    pub(crate) fn application(codec: ffi::AVCodecID) -> Self {
        Origin::new(Maker::Application, codec, 0)
    }
    /// An encoder that has just been opened.
    pub(crate) fn encoder(codec: ffi::AVCodecID) -> Self {
        Origin::new(Maker::Encoder, codec, 0)
    }
    /// A bitstream filter.
    pub(crate) fn filter(codec: ffi::AVCodecID) -> Self {
        Origin::new(Maker::Filter, codec, 0)
    }
    /// Whether a packet is of this origin, or of none, which is the application's word.
    #[inline]
    pub(crate) fn takes(self, packet: Origin) -> bool {
        packet.id == self.id || packet.id == 0
    }
    /// Why a packet that is not is refused, and what to do.
    #[cold]
    pub(crate) fn why_not(self, packet: Origin, taker: impl fmt::Display) -> String {
        let which = if packet.maker == self.maker { "another" } else { "a" };
        let what_to_do = match (packet.maker, self.maker) {
            (Maker::Filter, _) => "open it for the filter's own stream(), not for the stream that goes into the filter",
            (Maker::Input, Maker::Filter) => "send it through the filter first",
            _ => "send it to what was opened or added for its own stream",
        };
        format!(
            "the packet is of {}, and {taker} takes those of {}: {what_to_do}; if it does go on with that stream, \
             Packet::trusted says so",
            packet.describe(which),
            self.describe("the")
        )
    }
    fn describe(self, which: &str) -> String {
        let codec = ffi::names::codec(self.codec);
        match self.maker {
            Maker::Application if self.id == 0 => "the application".into(),
            Maker::Application => format!("{which} stream that the application has described ({codec})"),
            Maker::Input => format!("{which} input's stream {} ({codec})", self.index),
            Maker::Encoder => format!("{which} encoder ({codec})"),
            Maker::Filter => format!("{which} bitstream filter ({codec})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_origin_takes_its_own_packets_and_those_of_none() {
        let [one, other] = [0, 0].map(|index| Origin::input(ffi::AV_CODEC_ID_H264, index));
        assert!(one.takes(one) && one.takes(Origin::default()) && !one.takes(other));
        let text = one.why_not(other, "the decoder");
        let words =
            "the packet is of another input's stream 0 (h264), and the decoder takes those of the input's stream 0";
        assert!(text.starts_with(words) && text.contains("Packet::trusted"), "{text}");
    }

    #[test]
    fn what_to_do_depends_on_who_made_the_packet() {
        let (read, filtered) = (Origin::input(ffi::AV_CODEC_ID_H264, 3), Origin::filter(ffi::AV_CODEC_ID_H264));
        assert!(filtered.why_not(read, "track 0").contains("through the filter first"));
        assert!(read.why_not(filtered, "track 0").contains("stream()"));
    }
}
