//! CUVIDPICPARAMS in the words of the decoder.
use super::structs::{DpbEntry, PicParams};
use crate::decode::{Parameters, RefCounts};

impl From<&PicParams> for Parameters {
    fn from(params: &PicParams) -> Parameters {
        let h = &params.h264;
        let is_reference = |entry: &DpbEntry| entry.pic_idx >= 0 && entry.used_for_reference != 0;
        Parameters {
            pic_width_in_mbs: params.pic_width_in_mbs,
            frame_height_in_mbs: params.frame_height_in_mbs,
            field_pic: params.field_pic_flag != 0,
            second_field: params.second_field != 0,
            has_references: h.dpb.iter().any(is_reference),
            chroma_format_idc: None,
            high_bit_depth: h.bit_depth_luma_minus8 != 0 || h.bit_depth_chroma_minus8 != 0,
            residual_colour_transform: h.residual_colour_transform_flag != 0,
            num_slice_groups_minus1: h.num_slice_groups_minus1.into(),
            lossless: h.qpprime_y_zero_transform_bypass_flag != 0,
            log2_max_frame_num_minus4: h.log2_max_frame_num_minus4,
            pic_order_cnt_type: h.pic_order_cnt_type,
            log2_max_pic_order_cnt_lsb_minus4: h.log2_max_pic_order_cnt_lsb_minus4,
            delta_pic_order_always_zero: h.delta_pic_order_always_zero_flag != 0,
            num_ref_frames: h.num_ref_frames,
            frame_mbs_only: h.frame_mbs_only_flag != 0,
            mbaff: (params.field_pic_flag == 0).then_some(h.mbaff_frame_flag != 0),
            direct_8x8_inference: h.direct_8x8_inference_flag != 0,
            entropy_coding_mode: h.entropy_coding_mode_flag != 0,
            pic_order_present: h.pic_order_present_flag != 0,
            num_ref_idx: RefCounts::Default([h.num_ref_idx_l0_active_minus1, h.num_ref_idx_l1_active_minus1]),
            weighted_pred: h.weighted_pred_flag != 0,
            weighted_bipred_idc: h.weighted_bipred_idc,
            pic_init_qp_minus26: h.pic_init_qp_minus26,
            chroma_qp_index_offset: h.chroma_qp_index_offset,
            second_chroma_qp_index_offset: h.second_chroma_qp_index_offset,
            deblocking_filter_control_present: h.deblocking_filter_control_present_flag != 0,
            constrained_intra_pred: h.constrained_intra_pred_flag != 0,
            redundant_pic_cnt_present: h.redundant_pic_cnt_present_flag != 0,
            transform_8x8_mode: h.transform_8x8_mode_flag != 0,
            weight_scale_4x4: h.weight_scale_4x4,
            weight_scale_8x8: h.weight_scale_8x8,
        }
    }
}
