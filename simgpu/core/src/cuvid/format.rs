//! How the parser describes a sequence, and its clock.
use super::structs::{CODEC_H264, VideoFormat};
use crate::decode::NO_TIMESTAMP;
use crate::decode::bits::BitReader;
use crate::decode::sps::{Sps, reduce};

/// Surfaces beyond the decoded picture buffer: the picture being decoded, and two on their way to the display.
const SPARE_SURFACES: u32 = 3;
const DEFAULT_CLOCK_RATE: u32 = 10_000_000;
const DEFAULT_FRAME_RATE: (u32, u32) = (25, 1);

/// `CUVIDEOFORMAT` for a sequence.
pub fn describe(sps: &Sps) -> VideoFormat {
    let [left, right, top, bottom] = sps.crop;
    let (width, height) = (sps.coded_width - left - right, sps.coded_height - top - bottom);
    let aspect = reduce(u64::from(width) * u64::from(sps.sar.0), u64::from(height) * u64::from(sps.sar.1));
    VideoFormat {
        codec: CODEC_H264,
        frame_rate: [sps.frame_rate.0, sps.frame_rate.1],
        progressive_sequence: sps.frame_mbs_only.into(),
        bit_depth_luma_minus8: sps.bit_depth_luma.saturating_sub(8) as u8,
        bit_depth_chroma_minus8: sps.bit_depth_chroma.saturating_sub(8) as u8,
        min_num_decode_surfaces: (sps.dpb_frames() + SPARE_SURFACES) as u8,
        coded_width: sps.coded_width,
        coded_height: sps.coded_height,
        display_area: [left, top, sps.coded_width - right, sps.coded_height - bottom].map(|edge| edge as i32),
        chroma_format: sps.chroma_format_idc,
        bitrate: 0,
        display_aspect_ratio: [aspect.0 as i32, aspect.1 as i32],
        signal: (sps.video_format as u8 & 7) | u8::from(sps.full_range) << 3,
        color_primaries: sps.colour[0] as u8,
        transfer_characteristics: sps.colour[1] as u8,
        matrix_coefficients: sps.colour[2] as u8,
        seqhdr_data_length: 0,
    }
}

/// The id of a picture parameter set, and of the sequence parameter set it names.
pub fn picture_parameter_set(nal: &[u8]) -> Option<(u32, u32)> {
    let mut r = BitReader::new(nal.get(1..)?, 32);
    let (id, sequence) = (r.ue()?, r.ue()?);
    (id < 256 && sequence < 32).then_some((id, sequence))
}

/// Gives pictures that have no time stamp the one that follows from the frame rate.
pub struct Clock {
    rate: u32,
    frame: i64,
    next: i64,
}

impl Clock {
    /// `rate` in Hz; 0 is the default of 10 MHz.
    pub fn new(rate: u32) -> Self {
        let mut clock = Clock { rate: if rate == 0 { DEFAULT_CLOCK_RATE } else { rate }, frame: 0, next: 0 };
        clock.set_frame_rate((0, 0));
        clock
    }

    pub fn set_frame_rate(&mut self, (numerator, denominator): (u32, u32)) {
        let known = numerator != 0 && denominator != 0;
        let (numerator, denominator) = if known { (numerator, denominator) } else { DEFAULT_FRAME_RATE };
        self.frame = (u64::from(self.rate) * u64::from(denominator) / u64::from(numerator)) as i64;
    }

    pub fn restart(&mut self) {
        self.next = 0;
    }

    /// The time stamp of the picture that is displayed now.
    pub fn stamp(&mut self, given: i64) -> i64 {
        let stamp = if given == NO_TIMESTAMP { self.next } else { given };
        self.next = stamp.saturating_add(self.frame);
        stamp
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_time_stamps_follow_the_frame_rate() {
        let mut clock = Clock::new(0);
        assert_eq!([clock.stamp(NO_TIMESTAMP), clock.stamp(NO_TIMESTAMP)], [0, 400_000]);
        clock.set_frame_rate((50, 1));
        assert_eq!([clock.stamp(7_000_000), clock.stamp(NO_TIMESTAMP)], [7_000_000, 7_200_000]);
    }
}
