//! What a driver is told of a picture's parameter sets, in whatever interface it is told.

/// The fields of a picture's parameter sets that decoding it needs. The names are the standard's, without `_flag`.
#[derive(Clone, Debug)]
pub struct Parameters {
    pub pic_width_in_mbs: i32,
    /// Of the whole frame, also for a field.
    pub frame_height_in_mbs: i32,
    pub field_pic: bool,
    /// The second field of a frame whose first one was decoded before.
    pub second_field: bool,
    /// The program has reference pictures.
    pub has_references: bool,
    /// `None` where the interface does not tell it.
    pub chroma_format_idc: Option<u32>,
    /// More than 8 bits a sample.
    pub high_bit_depth: bool,
    pub residual_colour_transform: bool,
    pub num_slice_groups_minus1: u32,
    /// qpprime_y_zero_transform_bypass_flag
    pub lossless: bool,
    pub log2_max_frame_num_minus4: i32,
    pub pic_order_cnt_type: i32,
    pub log2_max_pic_order_cnt_lsb_minus4: i32,
    pub delta_pic_order_always_zero: bool,
    pub num_ref_frames: i32,
    pub frame_mbs_only: bool,
    /// mb_adaptive_frame_field_flag. `None` where the interface tells it for frames alone.
    pub mbaff: Option<bool>,
    pub direct_8x8_inference: bool,
    pub entropy_coding_mode: bool,
    pub pic_order_present: bool,
    pub num_ref_idx: RefCounts,
    pub weighted_pred: bool,
    pub weighted_bipred_idc: i32,
    pub pic_init_qp_minus26: i32,
    pub chroma_qp_index_offset: i32,
    pub second_chroma_qp_index_offset: i32,
    pub deblocking_filter_control_present: bool,
    pub constrained_intra_pred: bool,
    pub redundant_pic_cnt_present: bool,
    pub transform_8x8_mode: bool,
    /// In raster order.
    pub weight_scale_4x4: [[u8; 16]; 6],
    /// Intra Y and Inter Y, in raster order.
    pub weight_scale_8x8: [[u8; 64]; 2],
}

/// What is told of the lengths of the reference lists, minus 1.
#[derive(Clone, Debug)]
pub enum RefCounts {
    /// num_ref_idx_default_active_minus1 of both lists.
    Default([i32; 2]),
    /// What each slice has, by default or of its own, in the order of the slices.
    Active(Vec<[i32; 2]>),
}

impl Default for Parameters {
    /// A frame of no size with flat weights and all else zero.
    fn default() -> Self {
        Parameters {
            pic_width_in_mbs: 0,
            frame_height_in_mbs: 0,
            field_pic: false,
            second_field: false,
            has_references: false,
            chroma_format_idc: None,
            high_bit_depth: false,
            residual_colour_transform: false,
            num_slice_groups_minus1: 0,
            lossless: false,
            log2_max_frame_num_minus4: 0,
            pic_order_cnt_type: 0,
            log2_max_pic_order_cnt_lsb_minus4: 0,
            delta_pic_order_always_zero: false,
            num_ref_frames: 0,
            frame_mbs_only: false,
            mbaff: None,
            direct_8x8_inference: false,
            entropy_coding_mode: false,
            pic_order_present: false,
            num_ref_idx: RefCounts::Default([0; 2]),
            weighted_pred: false,
            weighted_bipred_idc: 0,
            pic_init_qp_minus26: 0,
            chroma_qp_index_offset: 0,
            second_chroma_qp_index_offset: 0,
            deblocking_filter_control_present: false,
            constrained_intra_pred: false,
            redundant_pic_cnt_present: false,
            transform_8x8_mode: false,
            weight_scale_4x4: [[16; 16]; 6],
            weight_scale_8x8: [[16; 64]; 2],
        }
    }
}
