//! Writes the parameter sets that a picture's [`Parameters`] stand for.
//!
//! A driver gets slices and the fields of their parameter sets, never the sets. Ours decodes through a whole H.264 decoder, so
//! it writes them anew. What does not come back is what decoding a picture does not need (cropping, VUI, the level), and the
//! offsets of picture order count type 1, see `slice_decoder`.
use super::bits::BitWriter;
use super::parameters::{Parameters, RefCounts};

/// The highest level: the decoder inside must not limit itself.
const LEVEL: u32 = 62;
/// High, and High 4:4:4 Predictive, which alone has lossless macroblocks.
const PROFILE_HIGH: u32 = 100;
const PROFILE_LOSSLESS: u32 = 244;

/// Checks that every field has a value that the syntax allows; the name of one that has not otherwise.
pub fn check(params: &Parameters) -> Result<(), &'static str> {
    let counts = match &params.num_ref_idx {
        RefCounts::Default(counts) => std::slice::from_ref(counts),
        RefCounts::Active(counts) => counts,
    };
    let valid_counts = |list: usize| counts.iter().all(|counts| (0..=31).contains(&counts[list]));
    let checks = [
        ((1..=256).contains(&params.pic_width_in_mbs), "PicWidthInMbs"),
        ((1..=256).contains(&params.frame_height_in_mbs), "FrameHeightInMbs"),
        ((0..=12).contains(&params.log2_max_frame_num_minus4), "log2_max_frame_num_minus4"),
        ((0..=2).contains(&params.pic_order_cnt_type), "pic_order_cnt_type"),
        ((0..=12).contains(&params.log2_max_pic_order_cnt_lsb_minus4), "log2_max_pic_order_cnt_lsb_minus4"),
        (params.frame_mbs_only || params.frame_height_in_mbs % 2 == 0, "FrameHeightInMbs"),
        ((0..=16).contains(&params.num_ref_frames), "num_ref_frames"),
        (valid_counts(0), "num_ref_idx_l0_active_minus1"),
        (valid_counts(1), "num_ref_idx_l1_active_minus1"),
        ((0..=2).contains(&params.weighted_bipred_idc), "weighted_bipred_idc"),
        ((-26..=25).contains(&params.pic_init_qp_minus26), "pic_init_qp_minus26"),
        ((-12..=12).contains(&params.chroma_qp_index_offset), "chroma_qp_index_offset"),
        ((-12..=12).contains(&params.second_chroma_qp_index_offset), "second_chroma_qp_index_offset"),
    ];
    checks.iter().find(|(valid, _)| !valid).map_or(Ok(()), |(_, name)| Err(name))
}

/// The sequence parameter set, with id 0. `params` has passed [`check`].
pub fn sequence(params: &Parameters, mbaff: bool, chroma_format_idc: u32) -> Vec<u8> {
    let mut w = BitWriter::default();
    w.bits(8, if params.lossless { PROFILE_LOSSLESS } else { PROFILE_HIGH });
    w.bits(8, 0);
    w.bits(8, LEVEL);
    w.ue(0);
    w.ue(chroma_format_idc);
    w.ue(0); // bit_depth_luma_minus8
    w.ue(0); // bit_depth_chroma_minus8
    w.flag(params.lossless);
    w.flag(false); // the scaling lists are all in the picture parameter sets
    w.ue(params.log2_max_frame_num_minus4 as u32);
    w.ue(params.pic_order_cnt_type as u32);
    match params.pic_order_cnt_type {
        0 => w.ue(params.log2_max_pic_order_cnt_lsb_minus4 as u32),
        1 => {
            w.flag(params.delta_pic_order_always_zero);
            w.se(0);
            w.se(0);
            w.ue(0);
        }
        _ => {}
    }
    w.ue(params.num_ref_frames as u32);
    w.flag(false); // gaps_in_frame_num_value_allowed_flag: not told, and the decoder inside fills gaps either way
    w.ue(params.pic_width_in_mbs as u32 - 1);
    w.ue((params.frame_height_in_mbs / if params.frame_mbs_only { 1 } else { 2 }) as u32 - 1);
    w.flag(params.frame_mbs_only);
    if !params.frame_mbs_only {
        w.flag(mbaff);
    }
    w.flag(params.direct_8x8_inference);
    w.flag(false); // no cropping
    w.flag(true); // a VUI for its last part alone
    w.bits(4, 0);
    w.bits(4, 0);
    w.flag(true); // bitstream_restriction_flag: the program orders the output, so nothing is held back here
    w.flag(true);
    w.ue(0);
    w.ue(0);
    w.ue(16);
    w.ue(16);
    w.ue(0); // max_num_reorder_frames
    w.ue(params.num_ref_frames as u32);
    w.into_nal(0x67)
}

/// The picture parameter set that a slice names, with its num_ref_idx_default_active_minus1 of both lists. `params` has passed [`check`].
pub fn picture(params: &Parameters, id: u32, num_ref_idx: [i32; 2]) -> Vec<u8> {
    let mut w = BitWriter::default();
    w.ue(id);
    w.ue(0);
    w.flag(params.entropy_coding_mode);
    w.flag(params.pic_order_present);
    w.ue(0); // one slice group
    w.ue(num_ref_idx[0] as u32);
    w.ue(num_ref_idx[1] as u32);
    w.flag(params.weighted_pred);
    w.bits(2, params.weighted_bipred_idc as u32);
    w.se(params.pic_init_qp_minus26);
    w.se(0); // pic_init_qs_minus26: SP and SI slices do not exist in the profiles decoded here
    w.se(params.chroma_qp_index_offset);
    w.flag(params.deblocking_filter_control_present);
    w.flag(params.constrained_intra_pred);
    w.flag(params.redundant_pic_cnt_present);
    w.flag(params.transform_8x8_mode);
    let lists_8x8 = if params.transform_8x8_mode { &params.weight_scale_8x8[..] } else { &[] };
    let flat = params.weight_scale_4x4.iter().flatten().chain(lists_8x8.iter().flatten()).all(|weight| *weight == 16);
    w.flag(!flat);
    if !flat {
        params.weight_scale_4x4.iter().for_each(|list| scaling_list(&mut w, list, 4));
        lists_8x8.iter().for_each(|list| scaling_list(&mut w, list, 8));
    }
    w.se(params.second_chroma_qp_index_offset);
    w.into_nal(0x68)
}

/// scaling_list(): differences in zigzag order.
fn scaling_list(w: &mut BitWriter, list: &[u8], side: usize) {
    w.flag(true); // present
    let mut last = 8;
    for at in zigzag(side) {
        // A weight of 0 would mean "as the last"; no stream can have it, a program's structure could.
        let weight = i32::from(list[at].max(1));
        w.se(i32::from((weight - last) as u8 as i8));
        last = weight;
    }
}

/// The frame zigzag scan (figures 6-12 and 8-8): raster positions in the order they are coded.
pub fn zigzag(side: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..side * side).collect();
    order.sort_by_key(|at| {
        let (y, x) = (at / side, at % side);
        (x + y, if (x + y) % 2 == 1 { y } else { x })
    });
    order
}

#[cfg(test)]
mod tests {
    use super::super::bits::BitReader;
    use super::super::sps::Sps;
    use super::*;

    fn params() -> Parameters {
        Parameters {
            pic_width_in_mbs: 20,
            frame_height_in_mbs: 16,
            log2_max_frame_num_minus4: 5,
            log2_max_pic_order_cnt_lsb_minus4: 6,
            num_ref_frames: 4,
            direct_8x8_inference: true,
            frame_mbs_only: true,
            transform_8x8_mode: true,
            ..Parameters::default()
        }
    }

    #[test]
    fn a_sequence_parameter_set_is_read_back() {
        for (frame_mbs_only, poc_type, lossless) in
            [(true, 0, false), (false, 2, false), (false, 1, false), (true, 0, true)]
        {
            let mut params = params();
            params.frame_mbs_only = frame_mbs_only;
            params.pic_order_cnt_type = poc_type;
            params.lossless = lossless;
            assert_eq!(check(&params), Ok(()));
            let sps = Sps::parse(&sequence(&params, true, 1)[4..]).expect("what was written is valid");
            assert_eq!((sps.coded_width, sps.coded_height), (320, 256));
            assert_eq!(sps.frame_mbs_only, frame_mbs_only);
            assert_eq!(sps.pic_order_cnt_type, poc_type as u32);
            assert_eq!((sps.log2_max_frame_num, sps.num_ref_frames), (9, 4));
            assert_eq!(sps.profile_idc, if lossless { 244 } else { 100 });
            assert_eq!(sps.max_dec_frame_buffering, Some(4), "the VUI was read to its end");
            assert_eq!(sps.crop, [0; 4]);
        }
    }

    #[test]
    fn a_picture_parameter_set_is_read_back() {
        let mut params = params();
        params.pic_init_qp_minus26 = -3;
        params.chroma_qp_index_offset = -2;
        params.second_chroma_qp_index_offset = 5;
        params.weighted_bipred_idc = 2;
        for (at, weight) in params.weight_scale_8x8[1].iter_mut().enumerate() {
            *weight = (255 - at * 4) as u8;
        }
        params.weight_scale_4x4[2] = std::array::from_fn(|at| 6 + at as u8 * 2);
        let nal = picture(&params, 7, [15, 0]);
        let mut r = BitReader::new(&nal[5..], usize::MAX);
        assert_eq!((r.ue(), r.ue()), (Some(7), Some(0)));
        assert_eq!((r.flag(), r.flag(), r.ue()), (Some(false), Some(false), Some(0)));
        assert_eq!((r.ue(), r.ue()), (Some(15), Some(0)));
        assert_eq!((r.flag(), r.bits(2)), (Some(false), Some(2)));
        assert_eq!((r.se(), r.se(), r.se()), (Some(-3), Some(0), Some(-2)));
        assert_eq!((r.bits(3), r.flag(), r.flag()), (Some(0), Some(true), Some(true)));
        let mut list = |side: usize| {
            assert_eq!(r.flag(), Some(true));
            let mut weights = vec![0; side * side];
            let mut last = 8;
            for at in zigzag(side) {
                last = (last + r.se().unwrap()) & 0xff;
                weights[at] = last as u8;
            }
            weights
        };
        for expected in &params.weight_scale_4x4 {
            assert_eq!(list(4), expected);
        }
        for expected in &params.weight_scale_8x8 {
            assert_eq!(list(8), expected);
        }
        assert_eq!(r.se(), Some(5));
    }

    #[test]
    fn flat_weights_are_not_written() {
        let flat = picture(&params(), 0, [0, 0]);
        let mut weighted = params();
        weighted.weight_scale_4x4[0][5] = 17;
        assert!(picture(&weighted, 0, [0, 0]).len() > flat.len());
    }

    #[test]
    fn zigzag_starts_as_the_standard_draws_it() {
        assert_eq!(zigzag(4)[..6], [0, 1, 4, 8, 5, 2]);
        assert_eq!(zigzag(8)[..6], [0, 1, 8, 16, 9, 2]);
    }

    #[test]
    fn values_outside_the_syntax_are_named() {
        let mut params = params();
        params.pic_width_in_mbs = 0;
        assert_eq!(check(&params), Err("PicWidthInMbs"));
        params.pic_width_in_mbs = 20;
        params.pic_init_qp_minus26 = 26;
        assert_eq!(check(&params), Err("pic_init_qp_minus26"));
        params.pic_init_qp_minus26 = 0;
        params.num_ref_idx = RefCounts::Active(vec![[3, 0], [3, 32]]);
        assert_eq!(check(&params), Err("num_ref_idx_l1_active_minus1"));
    }
}
