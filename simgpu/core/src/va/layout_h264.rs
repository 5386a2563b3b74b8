//! The H.264 structures of va.h and va_enc_h264.h, as far as they are used: none has a field past the last one that is.

use std::mem::{offset_of, size_of};

/// `VA_PICTURE_H264_*`
pub mod flags {
    pub const INVALID: u32 = 1;
    #[cfg(test)]
    pub const TOP_FIELD: u32 = 2;
    pub const BOTTOM_FIELD: u32 = 4;
    #[cfg(test)]
    pub const SHORT_TERM_REFERENCE: u32 = 8;
}

/// `VAPictureH264`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Picture {
    pub surface: u32,
    pub frame_idx: u32,
    pub flags: u32,
    pub top_field_order_cnt: i32,
    pub bottom_field_order_cnt: i32,
    pub reserved: [u32; 4],
}

/// `VAPictureParameterBufferH264`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PictureParameters {
    pub current: Picture,
    pub references: [Picture; 16],
    pub width_in_mbs_minus1: u16,
    pub height_in_mbs_minus1: u16,
    pub bit_depth_luma_minus8: u8,
    pub bit_depth_chroma_minus8: u8,
    pub num_ref_frames: u8,
    pub sequence: u32,
    pub num_slice_groups_minus1: u8,
    pub slice_group_map_type: u8,
    pub slice_group_change_rate_minus1: u16,
    pub pic_init_qp_minus26: i8,
    pub pic_init_qs_minus26: i8,
    pub chroma_qp_index_offset: i8,
    pub second_chroma_qp_index_offset: i8,
    pub picture: u32,
    pub frame_num: u16,
}

/// `VAIQMatrixBufferH264`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct IqMatrix {
    /// In raster order.
    pub lists_4x4: [[u8; 16]; 6],
    /// Intra Y and Inter Y, in raster order.
    pub lists_8x8: [[u8; 64]; 2],
}

/// `VASliceParameterBufferH264`, without its reference lists and weights, which the slice's own header has too.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SliceParameters {
    pub data_size: u32,
    pub data_offset: u32,
    pub data_flag: u32,
    pub data_bit_offset: u16,
    pub first_mb: u16,
    pub slice_type: u8,
    pub direct_spatial_mv_pred_flag: u8,
    pub num_ref_idx_active_minus1: [u8; 2],
}

/// `VAEncSequenceParameterBufferH264`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct EncSequence {
    pub id: u8,
    pub level_idc: u8,
    pub intra_period: u32,
    pub intra_idr_period: u32,
    pub ip_period: u32,
    pub bits_per_second: u32,
    pub max_num_ref_frames: u32,
    pub width_in_mbs: u16,
    pub height_in_mbs: u16,
    pub fields: u32,
    pub bit_depth_luma_minus8: u8,
    pub bit_depth_chroma_minus8: u8,
    pub order_cycle: [u32; 258],
    pub frame_cropping_flag: u8,
    /// Left, right, top, bottom.
    pub crop: [u32; 4],
    pub vui_parameters_present_flag: u8,
    pub vui: u32,
    pub aspect_ratio_idc: u8,
    pub sar_width: u32,
    pub sar_height: u32,
    pub num_units_in_tick: u32,
    pub time_scale: u32,
}

/// `VAEncPictureParameterBufferH264`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct EncPicture {
    pub current: Picture,
    pub references: [Picture; 16],
    pub coded_buffer: u32,
    pub pps_id: u8,
    pub sps_id: u8,
    pub last_picture: u8,
    pub frame_num: u16,
    pub pic_init_qp: u8,
    pub num_ref_idx_active_minus1: [u8; 2],
    pub chroma_qp_index_offset: i8,
    pub second_chroma_qp_index_offset: i8,
    pub fields: u32,
}

/// `VAEncSliceParameterBufferH264`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct EncSlice {
    pub first_mb: u32,
    pub mb_count: u32,
    pub macroblock_info: u32,
    pub slice_type: u8,
    pub pps_id: u8,
    pub idr_pic_id: u16,
    pub pic_order_cnt_lsb: u16,
    pub delta_pic_order_cnt_bottom: i32,
    pub delta_pic_order_cnt: [i32; 2],
    pub direct_spatial_mv_pred_flag: u8,
    pub num_ref_idx_active_override_flag: u8,
    pub num_ref_idx_active_minus1: [u8; 2],
    pub lists: [Picture; 64],
    pub weights: [u8; 778],
    pub cabac_init_idc: u8,
    pub slice_qp_delta: i8,
    pub disable_deblocking_filter_idc: u8,
    pub slice_alpha_c0_offset_div2: i8,
    pub slice_beta_offset_div2: i8,
}

/// Some bits of a word.
pub fn bits(word: u32, first: u32, count: u32) -> u32 {
    word >> first & ((1 << count) - 1)
}

// Offsets as the C compiler gives them for libva's headers on a 64-bit system.
const _: () = {
    assert!(size_of::<Picture>() == 36);
    assert!(
        offset_of!(PictureParameters, width_in_mbs_minus1) == 612 && offset_of!(PictureParameters, sequence) == 620
    );
    assert!(offset_of!(PictureParameters, pic_init_qp_minus26) == 628 && offset_of!(PictureParameters, picture) == 632);
    assert!(offset_of!(PictureParameters, frame_num) == 636);
    assert!(size_of::<IqMatrix>() == 224);
    assert!(offset_of!(SliceParameters, slice_type) == 16 && size_of::<SliceParameters>() == 20);
    assert!(offset_of!(EncSequence, intra_period) == 4 && offset_of!(EncSequence, width_in_mbs) == 24);
    assert!(offset_of!(EncSequence, fields) == 28 && offset_of!(EncSequence, order_cycle) == 36);
    assert!(offset_of!(EncSequence, frame_cropping_flag) == 1068 && offset_of!(EncSequence, crop) == 1072);
    assert!(offset_of!(EncSequence, vui) == 1092 && offset_of!(EncSequence, sar_width) == 1100);
    assert!(offset_of!(EncSequence, time_scale) == 1112);
    assert!(offset_of!(EncPicture, coded_buffer) == 612 && offset_of!(EncPicture, frame_num) == 620);
    assert!(offset_of!(EncPicture, pic_init_qp) == 622 && offset_of!(EncPicture, fields) == 628);
    assert!(offset_of!(EncSlice, slice_type) == 12 && offset_of!(EncSlice, delta_pic_order_cnt) == 24);
    assert!(offset_of!(EncSlice, num_ref_idx_active_minus1) == 34 && offset_of!(EncSlice, lists) == 36);
    assert!(offset_of!(EncSlice, cabac_init_idc) == 3118 && offset_of!(EncSlice, slice_beta_offset_div2) == 3122);
};
