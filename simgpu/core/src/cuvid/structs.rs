//! The structures of cuviddec.h and nvcuvid.h, as far as they are used here.
//!
//! Every field declared has the same offset in NVIDIA's headers 11.1 to 13.0. Sizes differ between them: none of these is
//! copied as a whole over a caller's, and a structure that callers pass ends with the last field read here.
use std::ffi::{c_int, c_void};
use std::mem::{offset_of, size_of};

/// `cudaVideoCodec_H264`
pub const CODEC_H264: u32 = 4;
/// `cudaVideoChromaFormat_420`
pub const CHROMA_420: u32 = 1;
/// `cudaVideoSurfaceFormat_NV12`
pub const SURFACE_NV12: u32 = 0;
/// `cudaVideoDeinterlaceMode_Weave`
pub const WEAVE: u32 = 0;

/// `CUVIDDECODECAPS`
#[repr(C)]
pub struct DecodeCaps {
    pub codec_type: u32,
    pub chroma_format: u32,
    pub bit_depth_minus8: u32,
    pub reserved1: [u32; 3],
    pub is_supported: u8,
    pub num_nvdecs: u8,
    pub output_format_mask: u16,
    pub max_width: u32,
    pub max_height: u32,
    pub max_mb_count: u32,
    pub min_width: u16,
    pub min_height: u16,
}

/// A rectangle: left, top, right, bottom.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rect {
    pub left: i16,
    pub top: i16,
    pub right: i16,
    pub bottom: i16,
}

/// `CUVIDDECODECREATEINFO`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CreateInfo {
    pub width: u64,
    pub height: u64,
    pub num_decode_surfaces: u64,
    pub codec_type: u32,
    pub chroma_format: u32,
    pub creation_flags: u64,
    pub bit_depth_minus8: u64,
    pub intra_decode_only: u64,
    pub max_width: u64,
    pub max_height: u64,
    pub reserved1: u64,
    pub display_area: Rect,
    pub output_format: u32,
    pub deinterlace_mode: u32,
    pub target_width: u64,
    pub target_height: u64,
    pub num_output_surfaces: u64,
    pub vid_lock: usize,
    pub target_rect: Rect,
}

/// `CUVIDH264DPBENTRY`
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct DpbEntry {
    pub pic_idx: c_int,
    pub frame_idx: c_int,
    pub is_long_term: c_int,
    pub not_existing: c_int,
    pub used_for_reference: c_int,
    pub field_order_cnt: [c_int; 2],
}

/// `CUVIDH264PICPARAMS`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct H264PicParams {
    pub log2_max_frame_num_minus4: c_int,
    pub pic_order_cnt_type: c_int,
    pub log2_max_pic_order_cnt_lsb_minus4: c_int,
    pub delta_pic_order_always_zero_flag: c_int,
    pub frame_mbs_only_flag: c_int,
    pub direct_8x8_inference_flag: c_int,
    pub num_ref_frames: c_int,
    pub residual_colour_transform_flag: u8,
    pub bit_depth_luma_minus8: u8,
    pub bit_depth_chroma_minus8: u8,
    pub qpprime_y_zero_transform_bypass_flag: u8,
    pub entropy_coding_mode_flag: c_int,
    pub pic_order_present_flag: c_int,
    pub num_ref_idx_l0_active_minus1: c_int,
    pub num_ref_idx_l1_active_minus1: c_int,
    pub weighted_pred_flag: c_int,
    pub weighted_bipred_idc: c_int,
    pub pic_init_qp_minus26: c_int,
    pub deblocking_filter_control_present_flag: c_int,
    pub redundant_pic_cnt_present_flag: c_int,
    pub transform_8x8_mode_flag: c_int,
    pub mbaff_frame_flag: c_int,
    pub constrained_intra_pred_flag: c_int,
    pub chroma_qp_index_offset: c_int,
    pub second_chroma_qp_index_offset: c_int,
    pub ref_pic_flag: c_int,
    pub frame_num: c_int,
    pub curr_field_order_cnt: [c_int; 2],
    pub dpb: [DpbEntry; 16],
    /// In raster order.
    pub weight_scale_4x4: [[u8; 16]; 6],
    /// Intra Y and Inter Y, in raster order.
    pub weight_scale_8x8: [[u8; 64]; 2],
    pub fmo_aso_enable: u8,
    pub num_slice_groups_minus1: u8,
    pub slice_group_map_type: u8,
    pub pic_init_qs_minus26: i8,
}

/// `CUVIDPICPARAMS`, whole: the union for the codecs has the same size in every version.
#[repr(C)]
pub struct PicParams {
    pub pic_width_in_mbs: c_int,
    pub frame_height_in_mbs: c_int,
    pub curr_pic_idx: c_int,
    pub field_pic_flag: c_int,
    pub bottom_field_flag: c_int,
    pub second_field: c_int,
    pub bitstream_data_len: u32,
    pub bitstream_data: *const u8,
    pub num_slices: u32,
    pub slice_data_offsets: *const u32,
    pub ref_pic_flag: c_int,
    pub intra_pic_flag: c_int,
    /// Our own parser leaves a [`ticket`](super::tickets) here.
    pub reserved: [u32; 30],
    pub h264: H264PicParams,
    pub other_codecs: [u32; (PIC_PARAMS_SIZE - 184 - size_of::<H264PicParams>()) / 4],
}

const PIC_PARAMS_SIZE: usize = 184 + 4096;

/// `CUVIDPROCPARAMS`
#[repr(C)]
pub struct ProcParams {
    pub progressive_frame: c_int,
    pub second_field: c_int,
    pub top_field_first: c_int,
    pub unpaired_field: c_int,
    pub raw_yuv: [u32; 10],
    pub output_stream: usize,
}

/// `CUVIDGETDECODESTATUS`
#[repr(C)]
pub struct DecodeStatus {
    pub status: u32,
}

/// `CUVIDRECONFIGUREDECODERINFO`
#[repr(C)]
pub struct ReconfigureInfo {
    pub width: u32,
    pub height: u32,
    pub target_width: u32,
    pub target_height: u32,
    pub num_decode_surfaces: u32,
    pub reserved1: [u32; 12],
    pub display_area: Rect,
    pub target_rect: Rect,
}

/// `CUVIDEOFORMAT`
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoFormat {
    pub codec: u32,
    pub frame_rate: [u32; 2],
    pub progressive_sequence: u8,
    pub bit_depth_luma_minus8: u8,
    pub bit_depth_chroma_minus8: u8,
    pub min_num_decode_surfaces: u8,
    pub coded_width: u32,
    pub coded_height: u32,
    /// left, top, right, bottom
    pub display_area: [i32; 4],
    pub chroma_format: u32,
    pub bitrate: u32,
    pub display_aspect_ratio: [i32; 2],
    /// video_format in the low 3 bits, then video_full_range_flag.
    pub signal: u8,
    pub color_primaries: u8,
    pub transfer_characteristics: u8,
    pub matrix_coefficients: u8,
    pub seqhdr_data_length: u32,
}

/// `CUVIDPARSERDISPINFO`
#[repr(C)]
pub struct DisplayInfo {
    pub picture_index: c_int,
    pub progressive_frame: c_int,
    pub top_field_first: c_int,
    pub repeat_first_field: c_int,
    pub timestamp: i64,
}

/// A callback of the parser's user.
pub type Callback<T> = Option<unsafe extern "C" fn(user: *mut c_void, what: *mut T) -> c_int>;

/// `CUVIDPARSERPARAMS`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ParserParams {
    pub codec_type: u32,
    pub max_num_decode_surfaces: u32,
    pub clock_rate: u32,
    pub error_threshold: u32,
    pub max_display_delay: u32,
    pub reserved: [u32; 5],
    pub user_data: *mut c_void,
    pub sequence: Callback<VideoFormat>,
    pub decode: Callback<PicParams>,
    pub display: Callback<DisplayInfo>,
}

/// `CUVIDSOURCEDATAPACKET`
#[repr(C)]
pub struct SourceDataPacket {
    pub flags: u64,
    pub payload_size: u64,
    pub payload: *const u8,
    pub timestamp: i64,
}

/// `CUVID_PKT_ENDOFSTREAM`
pub const PACKET_END_OF_STREAM: u64 = 1;
/// `CUVID_PKT_TIMESTAMP`
pub const PACKET_TIMESTAMP: u64 = 2;
/// `CUVID_PKT_DISCONTINUITY`
pub const PACKET_DISCONTINUITY: u64 = 4;
/// `CUVID_PKT_NOTIFY_EOS`
pub const PACKET_NOTIFY_EOS: u64 = 16;

// Offsets as the C compiler gives them for NVIDIA's headers on a 64-bit system.
const _: () = {
    assert!(offset_of!(DecodeCaps, max_width) == 28 && offset_of!(DecodeCaps, min_height) == 42);
    assert!(offset_of!(CreateInfo, codec_type) == 24 && offset_of!(CreateInfo, display_area) == 80);
    assert!(offset_of!(CreateInfo, output_format) == 88 && offset_of!(CreateInfo, target_width) == 96);
    assert!(offset_of!(CreateInfo, vid_lock) == 120 && offset_of!(CreateInfo, target_rect) == 128);
    assert!(offset_of!(H264PicParams, dpb) == 104 && size_of::<DpbEntry>() == 28);
    assert!(offset_of!(H264PicParams, weight_scale_4x4) == 552 && offset_of!(H264PicParams, fmo_aso_enable) == 776);
    assert!(offset_of!(PicParams, reserved) == 64 && offset_of!(PicParams, h264) == 184);
    assert!(size_of::<PicParams>() == PIC_PARAMS_SIZE);
    assert!(offset_of!(ProcParams, output_stream) == 56);
    assert!(offset_of!(ReconfigureInfo, display_area) == 68 && offset_of!(ReconfigureInfo, target_rect) == 76);
    assert!(offset_of!(VideoFormat, display_area) == 24 && offset_of!(VideoFormat, chroma_format) == 40);
    assert!(offset_of!(VideoFormat, signal) == 56 && size_of::<VideoFormat>() == 64);
    assert!(size_of::<DisplayInfo>() == 24 && size_of::<SourceDataPacket>() == 32);
    assert!(offset_of!(ParserParams, user_data) == 40 && offset_of!(ParserParams, display) == 64);
};

impl Rect {
    /// Width and height when it encloses anything.
    pub fn size(self) -> Option<(usize, usize)> {
        let width = i32::from(self.right) - i32::from(self.left);
        let height = i32::from(self.bottom) - i32::from(self.top);
        (width > 0 && height > 0).then_some((width as usize, height as usize))
    }
}
