//! Decoding of what a program renders: VAPictureParameterBufferH264 and slices, in the words of [`crate::decode`].

use super::layout_h264::{IqMatrix, Picture, PictureParameters, SliceParameters, bits, flags};
use super::pixels::Pixels;
use crate::decode::{self, Parameters, Reason, RefCounts, Refused, Sent, SliceDecoder};
use crate::report;
use crate::status::{Outcome, va};

/// `VA_SLICE_DATA_FLAG_ALL`: a slice parameter's data is a whole slice.
const WHOLE_SLICE: u32 = 0;

/// What a decoding context keeps from one picture to the next.
#[derive(Default)]
pub struct Decoder {
    slices: SliceDecoder,
    first_field: Option<FirstField>,
}

/// A frame of which one field is decoded. VA-API does not tell which fields belong together: they have one surface.
struct FirstField {
    surface: u32,
    frame_num: u16,
    bottom: bool,
    picture: Option<decode::Picture>,
}

impl Decoder {
    /// Decodes a frame or a field into `target`, from its slices in order, each with the buffer that its data is in. A broken
    /// picture is no error, for VA-API has no word for it: it is concealed, or grey.
    pub fn decode(
        &mut self,
        picture: &PictureParameters,
        matrices: Option<&IqMatrix>,
        slices: &[(SliceParameters, Vec<u8>)],
        target: &Pixels,
    ) -> Outcome {
        let mut nals = Vec::with_capacity(slices.len());
        for (slice, data) in slices {
            if slice.data_flag != WHOLE_SLICE {
                return refuse("slices in several buffers are not supported", Reason::Unsupported);
            }
            let (offset, size) = (slice.data_offset as usize, slice.data_size as usize);
            match data.get(offset..).and_then(|data| data.get(..size)) {
                Some(nal) => nals.push(nal),
                None => return refuse("invalid slice_data_offset or slice_data_size", Reason::Invalid),
            }
        }
        let first = self.first_field.take().filter(|first| first.is_completed_by(picture));
        let counts = slices.iter().map(|(slice, _)| slice.num_ref_idx_active_minus1.map(i32::from)).collect();
        let params = parameters(picture, matrices, counts, first.is_some());
        let Sent { begun, .. } = match self.slices.decode(&params, &nals) {
            Ok(sent) => sent,
            Err(Refused { reason, why }) => return refuse(&why, reason),
        };
        let is_first = params.field_pic && !params.second_field;
        let decoded = begun.map(|(_, picture)| picture).or(first.and_then(|first| first.picture));
        target.put_planes(decoded.as_ref().and_then(decode::Picture::planes));
        self.first_field = is_first.then(|| FirstField {
            surface: picture.current.surface,
            frame_num: picture.frame_num,
            bottom: is_bottom(&picture.current),
            picture: decoded,
        });
        Ok(())
    }
}

impl FirstField {
    fn is_completed_by(&self, picture: &PictureParameters) -> bool {
        is_field(picture)
            && self.surface == picture.current.surface
            && self.frame_num == picture.frame_num
            && self.bottom != is_bottom(&picture.current)
    }
}

fn is_field(picture: &PictureParameters) -> bool {
    bits(picture.picture, 5, 1) == 1
}

fn is_bottom(picture: &Picture) -> bool {
    picture.flags & flags::BOTTOM_FIELD != 0
}

/// Fails, and says why in the call log.
fn refuse(why: &str, reason: Reason) -> Outcome {
    report::log_call(|line| line.push_str(&format!("REFUSED vaEndPicture: {why}")));
    Err(match reason {
        Reason::Invalid => va::INVALID_PARAMETER,
        Reason::Unsupported => va::UNIMPLEMENTED,
    })
}

/// Without a matrix buffer all weights are 16.
fn parameters(
    picture: &PictureParameters,
    matrices: Option<&IqMatrix>,
    active_counts: Vec<[i32; 2]>,
    second_field: bool,
) -> Parameters {
    let sequence = |first, count| bits(picture.sequence, first, count);
    let flag = |first| bits(picture.picture, first, 1) == 1;
    let flat = Parameters::default();
    Parameters {
        pic_width_in_mbs: i32::from(picture.width_in_mbs_minus1) + 1,
        frame_height_in_mbs: i32::from(picture.height_in_mbs_minus1) + 1,
        field_pic: is_field(picture),
        second_field,
        has_references: picture.references.iter().any(|entry| entry.flags & flags::INVALID == 0),
        chroma_format_idc: Some(sequence(0, 2)),
        high_bit_depth: picture.bit_depth_luma_minus8 != 0 || picture.bit_depth_chroma_minus8 != 0,
        residual_colour_transform: sequence(2, 1) == 1,
        num_slice_groups_minus1: picture.num_slice_groups_minus1.into(),
        lossless: false,
        log2_max_frame_num_minus4: sequence(8, 4) as i32,
        pic_order_cnt_type: sequence(12, 2) as i32,
        log2_max_pic_order_cnt_lsb_minus4: sequence(14, 4) as i32,
        delta_pic_order_always_zero: sequence(18, 1) == 1,
        num_ref_frames: picture.num_ref_frames.into(),
        frame_mbs_only: sequence(4, 1) == 1,
        mbaff: Some(sequence(5, 1) == 1),
        direct_8x8_inference: sequence(6, 1) == 1,
        entropy_coding_mode: flag(0),
        pic_order_present: flag(7),
        num_ref_idx: RefCounts::Active(active_counts),
        weighted_pred: flag(1),
        weighted_bipred_idc: bits(picture.picture, 2, 2) as i32,
        pic_init_qp_minus26: picture.pic_init_qp_minus26.into(),
        chroma_qp_index_offset: picture.chroma_qp_index_offset.into(),
        second_chroma_qp_index_offset: picture.second_chroma_qp_index_offset.into(),
        deblocking_filter_control_present: flag(8),
        constrained_intra_pred: flag(6),
        redundant_pic_cnt_present: flag(9),
        transform_8x8_mode: flag(4),
        weight_scale_4x4: matrices.map_or(flat.weight_scale_4x4, |matrices| matrices.lists_4x4),
        weight_scale_8x8: matrices.map_or(flat.weight_scale_8x8, |matrices| matrices.lists_8x8),
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
