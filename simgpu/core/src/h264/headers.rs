//! Sequence and picture parameter sets.

use super::bits::Bits;
use super::level::level;

/// Bits of frame_num.
pub const FRAME_NUM_BITS: u32 = 8;
/// Bits of pic_order_cnt_lsb.
pub const ORDER_BITS: u32 = 16;

const EXTENDED_SAR: u32 = 255;

/// A profile that the encoder can write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Profile {
    /// profile_idc 66; no B pictures.
    Baseline,
    /// profile_idc 77.
    Main,
    /// profile_idc 100.
    High,
}

impl Profile {
    fn idc(self) -> u32 {
        match self {
            Profile::Baseline => 66,
            Profile::Main => 77,
            Profile::High => 100,
        }
    }
}

/// What the samples mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalType {
    /// video_format; 5 is unspecified.
    pub format: u32,
    /// Whether all 256 values are used.
    pub full_range: bool,
    /// Colour primaries, transfer characteristics, matrix coefficients.
    pub description: Option<(u32, u32, u32)>,
}

/// What an encoder makes.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// Width in pixels. An odd one is encoded as the next even one, the last column repeated.
    pub width: usize,
    /// Height in pixels, likewise.
    pub height: usize,
    pub profile: Profile,
    /// The level asked for; 0 for the lowest that fits.
    pub level: u32,
    /// Distance from one I or P picture to the next: 1 without B pictures, 3 with two, 0 for I pictures only.
    pub frame_interval: usize,
    /// Pictures from one I picture to the next.
    pub gop_length: u64,
    /// Pictures from one IDR picture to the next.
    pub idr_period: u64,
    /// Pictures per second, as a fraction; 0 when unknown.
    pub frame_rate: (u32, u32),
    /// Sample aspect ratio; 0 when unknown.
    pub sample_aspect_ratio: (u32, u32),
    pub signal_type: Option<SignalType>,
    /// Chroma sample location of the top and bottom field.
    pub chroma_location: Option<(u32, u32)>,
}

impl Parameters {
    /// Width and height in macroblocks.
    pub fn macroblocks(&self) -> (usize, usize) {
        (self.width.div_ceil(16), self.height.div_ceil(16))
    }

    /// Whether some pictures are decoded before others that are shown first.
    pub fn reorders(&self) -> bool {
        self.frame_interval > 1
    }

    /// Pictures kept for reference: with B pictures the anchors before and after.
    fn references(&self) -> u32 {
        if self.reorders() { 2 } else { 1 }
    }
}

/// The sequence and the picture parameter set, as two NAL units.
pub fn parameter_sets(parameters: &Parameters) -> Vec<u8> {
    let mut sets = sequence(parameters).into_nal(0x67);
    sets.extend(picture().into_nal(0x68));
    sets
}

fn sequence(parameters: &Parameters) -> Bits {
    let mut s = Bits::default();
    let (across, down) = parameters.macroblocks();
    let macroblocks = (across * down) as u64;
    s.u(8, parameters.profile.idc());
    // constraint_set1_flag: the baseline written here has none of what Main lacks.
    s.u(8, if parameters.profile == Profile::Baseline { 0x40 } else { 0 });
    let references = parameters.references();
    s.u(8, level(parameters.level, macroblocks, parameters.frame_rate, references.into()).into());
    s.ue(0); // seq_parameter_set_id
    if parameters.profile == Profile::High {
        s.ue(1); // chroma_format_idc: 4:2:0
        s.ue(0); // bit_depth_luma_minus8
        s.ue(0); // bit_depth_chroma_minus8
        s.flag(false); // qpprime_y_zero_transform_bypass_flag
        s.flag(false); // seq_scaling_matrix_present_flag
    }
    s.ue(FRAME_NUM_BITS - 4);
    s.ue(0); // pic_order_cnt_type
    s.ue(ORDER_BITS - 4);
    s.ue(references); // max_num_ref_frames
    s.flag(false); // gaps_in_frame_num_value_allowed_flag
    s.ue(across as u32 - 1);
    s.ue(down as u32 - 1);
    s.flag(true); // frame_mbs_only_flag
    s.flag(true); // direct_8x8_inference_flag
    let (right, bottom) = ((across * 16 - parameters.width) / 2, (down * 16 - parameters.height) / 2);
    s.flag(right > 0 || bottom > 0);
    if right > 0 || bottom > 0 {
        for crop in [0, right, 0, bottom] {
            s.ue(crop as u32);
        }
    }
    s.flag(true); // vui_parameters_present_flag
    usability(&mut s, parameters);
    s
}

fn usability(s: &mut Bits, parameters: &Parameters) {
    let (horizontal, vertical) = parameters.sample_aspect_ratio;
    s.flag(horizontal > 0 && vertical > 0);
    if horizontal > 0 && vertical > 0 {
        if horizontal == vertical {
            s.u(8, 1);
        } else {
            s.u(8, EXTENDED_SAR);
            s.u(16, horizontal);
            s.u(16, vertical);
        }
    }
    s.flag(false); // overscan_info_present_flag
    s.flag(parameters.signal_type.is_some());
    if let Some(signal) = &parameters.signal_type {
        s.u(3, signal.format);
        s.flag(signal.full_range);
        s.flag(signal.description.is_some());
        if let Some((primaries, transfer, matrix)) = signal.description {
            s.u(8, primaries);
            s.u(8, transfer);
            s.u(8, matrix);
        }
    }
    s.flag(parameters.chroma_location.is_some());
    if let Some((top, bottom)) = parameters.chroma_location {
        s.ue(top);
        s.ue(bottom);
    }
    let (numerator, denominator) = parameters.frame_rate;
    let ticks = numerator.checked_mul(2).filter(|ticks| *ticks > 0 && denominator > 0);
    s.flag(ticks.is_some());
    if let Some(ticks) = ticks {
        s.u(32, denominator); // num_units_in_tick
        s.u(32, ticks); // time_scale: two ticks a frame
        s.flag(true); // fixed_frame_rate_flag
    }
    s.flag(false); // nal_hrd_parameters_present_flag
    s.flag(false); // vcl_hrd_parameters_present_flag
    s.flag(false); // pic_struct_present_flag
    s.flag(true); // bitstream_restriction_flag
    s.flag(true); // motion_vectors_over_pic_boundaries_flag
    s.ue(0); // max_bytes_per_pic_denom
    s.ue(0); // max_bits_per_mb_denom
    s.ue(0); // log2_max_mv_length_horizontal
    s.ue(0); // log2_max_mv_length_vertical
    s.ue(parameters.reorders().into()); // max_num_reorder_frames
    s.ue(parameters.references()); // max_dec_frame_buffering
}

fn picture() -> Bits {
    let mut p = Bits::default();
    p.ue(0); // pic_parameter_set_id
    p.ue(0); // seq_parameter_set_id
    p.flag(false); // entropy_coding_mode_flag: CAVLC
    p.flag(false); // bottom_field_pic_order_in_frame_present_flag
    p.ue(0); // num_slice_groups_minus1
    p.ue(0); // num_ref_idx_l0_default_active_minus1
    p.ue(0); // num_ref_idx_l1_default_active_minus1
    p.flag(false); // weighted_pred_flag
    p.u(2, 0); // weighted_bipred_idc
    p.se(0); // pic_init_qp_minus26
    p.se(0); // pic_init_qs_minus26
    p.se(0); // chroma_qp_index_offset
    p.flag(true); // deblocking_filter_control_present_flag
    p.flag(false); // constrained_intra_pred_flag
    p.flag(false); // redundant_pic_cnt_present_flag
    p
}
