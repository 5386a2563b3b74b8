//! A program that plays a stream by VA-API: it takes it apart into the structures that the driver is given.

use super::*;

pub(super) const INVALID: Picture = Picture {
    surface: INVALID_ID,
    frame_idx: 0,
    flags: flags::INVALID,
    top_field_order_cnt: 0,
    bottom_field_order_cnt: 0,
    reserved: [0; 4],
};
pub(super) const REFERENCE: Picture = Picture { surface: 7, flags: flags::SHORT_TERM_REFERENCE, ..INVALID };

pub(super) fn nothing() -> PictureParameters {
    PictureParameters {
        current: INVALID,
        references: [INVALID; 16],
        width_in_mbs_minus1: 0,
        height_in_mbs_minus1: 0,
        bit_depth_luma_minus8: 0,
        bit_depth_chroma_minus8: 0,
        num_ref_frames: 0,
        sequence: 1,
        num_slice_groups_minus1: 0,
        slice_group_map_type: 0,
        slice_group_change_rate_minus1: 0,
        pic_init_qp_minus26: 0,
        pic_init_qs_minus26: 0,
        chroma_qp_index_offset: 0,
        second_chroma_qp_index_offset: 0,
        picture: 0,
        frame_num: 0,
    }
}

/// Bits put together as C puts bit fields together: the first is the lowest.
#[derive(Default)]
pub(super) struct Word(u32, u32);

impl Word {
    pub(super) fn put(&mut self, count: u32, value: u32) {
        assert!(value < 1 << count);
        self.0 |= value << self.1;
        self.1 += count;
    }
}

/// A picture parameter set: the structure as far as it decides, and the default lengths of the reference lists, minus 1.
#[derive(Clone, Copy)]
pub(super) struct PictureSet {
    pub(super) params: PictureParameters,
    pub(super) defaults: [u32; 2],
}

/// A program that plays a stream.
pub(super) struct Program {
    pub(super) sequence: PictureParameters,
    pub(super) sets: BTreeMap<u32, PictureSet>,
    pub(super) decoder: Decoder,
    pub(super) target: Option<Pixels>,
}

impl Program {
    pub(super) fn new() -> Program {
        Program { sequence: nothing(), sets: BTreeMap::new(), decoder: Decoder::default(), target: None }
    }

    pub(super) fn read_sequence(&mut self, nal: &[u8]) -> Option<()> {
        let mut r = BitReader::new(&nal[1..], usize::MAX);
        let high = r.bits(8)? >= 100;
        r.bits(16)?;
        r.ue()?;
        if high {
            assert_eq!((r.ue()?, r.ue()?, r.ue()?, r.bits(2)?), (1, 0, 0, 0), "4:2:0, 8 bits, no matrices");
        }
        let frame_num_bits = r.ue()?;
        let poc_type = r.ue()?;
        let poc_bits = if poc_type == 0 { r.ue()? } else { 0 };
        let always_zero = poc_type == 1 && r.flag()?;
        if poc_type == 1 {
            r.se()?;
            r.se()?;
            for _ in 0..r.ue()? {
                r.se()?;
            }
        }
        self.sequence.num_ref_frames = r.ue()? as u8;
        let gaps = r.bits(1)?;
        self.sequence.width_in_mbs_minus1 = r.ue()? as u16;
        let map_units = r.ue()? + 1;
        let frame_mbs_only = r.bits(1)?;
        self.sequence.height_in_mbs_minus1 = (map_units * (2 - frame_mbs_only) - 1) as u16;
        let mbaff = if frame_mbs_only == 0 { r.bits(1)? } else { 0 };
        let mut word = Word::default();
        [(2, 1), (1, 0), (1, gaps), (1, frame_mbs_only), (1, mbaff), (1, r.bits(1)?), (1, 0), (4, frame_num_bits)]
            .into_iter()
            .chain([(2, poc_type), (4, poc_bits), (1, always_zero.into())])
            .for_each(|(count, value)| word.put(count, value));
        self.sequence.sequence = word.0;
        Some(())
    }

    pub(super) fn read_picture_set(&mut self, nal: &[u8]) -> Option<()> {
        let mut r = BitReader::new(&nal[1..], usize::MAX);
        let mut params = nothing();
        let (id, _) = (r.ue()?, r.ue()?);
        let (cabac, order_present) = (r.bits(1)?, r.bits(1)?);
        assert_eq!(r.ue()?, 0, "one slice group");
        let defaults = [r.ue()?, r.ue()?];
        let (weighted, weighted_bipred) = (r.bits(1)?, r.bits(2)?);
        params.pic_init_qp_minus26 = r.se()? as i8;
        r.se()?;
        params.chroma_qp_index_offset = r.se()? as i8;
        let (deblocking, constrained, redundant) = (r.bits(1)?, r.bits(1)?, r.bits(1)?);
        // Where the set ends here its last one bit is next, and no code can follow.
        let mut rest = || Some((r.bits(1)?, r.bits(1)?, r.se()?));
        let (transform, matrices, second_offset) = rest().unwrap_or((0, 0, params.chroma_qp_index_offset.into()));
        assert_eq!(matrices, 0);
        params.second_chroma_qp_index_offset = second_offset as i8;
        let mut word = Word::default();
        [(1, cabac), (1, weighted), (2, weighted_bipred), (1, transform), (1, 0), (1, constrained)]
            .into_iter()
            .chain([(1, order_present), (1, deblocking), (1, redundant)])
            .for_each(|(count, value)| word.put(count, value));
        params.picture = word.0;
        self.sets.insert(id, PictureSet { params, defaults });
        Some(())
    }

    /// The picture parameters and slice parameters of a slice.
    pub(super) fn read_slice(&self, data: &[u8]) -> Option<(PictureParameters, SliceParameters)> {
        let slice = Slice::parse(data)?;
        let set = self.sets.get(&slice.pps_id)?;
        let mut params = PictureParameters {
            pic_init_qp_minus26: set.params.pic_init_qp_minus26,
            chroma_qp_index_offset: set.params.chroma_qp_index_offset,
            second_chroma_qp_index_offset: set.params.second_chroma_qp_index_offset,
            picture: set.params.picture,
            ..self.sequence
        };
        let told = parameters(&params, None, Vec::new(), false);
        let mut r = BitReader::new(&data[1..], 64);
        for _ in 0..3 {
            r.ue()?;
        }
        params.frame_num = r.bits(told.log2_max_frame_num_minus4 as u32 + 4)? as u16;
        params.current = Picture { surface: 3, flags: 0, ..INVALID };
        if !told.frame_mbs_only && r.flag()? {
            params.picture |= 1 << 5;
            params.current.flags = if r.flag()? { flags::BOTTOM_FIELD } else { flags::TOP_FIELD };
        }
        if !slice.idr {
            params.references[0] = REFERENCE;
        }
        let told = parameters(&params, None, Vec::new(), false);
        let overrides = crate::decode::slices::overrides_reference_counts(data, slice, &told);
        let mut counts = set.defaults;
        if overrides == Some(true) {
            // The counts are the next in the header, behind all that was read to get there.
            counts = self.overriding_counts(data, slice, &told)?;
        }
        let lists = if slice.is_intra() {
            0
        } else if slice.is_b() {
            2
        } else {
            1
        };
        counts[lists..].fill(0);
        let slice = SliceParameters {
            data_size: data.len() as u32,
            data_offset: 0,
            data_flag: WHOLE_SLICE,
            data_bit_offset: 0,
            first_mb: slice.first_mb as u16,
            slice_type: slice.slice_type as u8 % 5,
            direct_spatial_mv_pred_flag: 0,
            num_ref_idx_active_minus1: counts.map(|count| count as u8),
        };
        Some((params, slice))
    }

    pub(super) fn overriding_counts(&self, data: &[u8], slice: Slice, told: &Parameters) -> Option<[u32; 2]> {
        let mut r = BitReader::new(&data[1..], 64);
        for _ in 0..3 {
            r.ue()?;
        }
        r.bits(
            told.log2_max_frame_num_minus4 as u32 + 4 + u32::from(!told.frame_mbs_only) + u32::from(told.field_pic),
        )?;
        if slice.idr {
            r.ue()?;
        }
        let frame_delta = told.pic_order_present && !told.field_pic;
        match told.pic_order_cnt_type {
            0 => {
                r.bits(told.log2_max_pic_order_cnt_lsb_minus4 as u32 + 4)?;
                frame_delta.then(|| r.se());
            }
            1 if !told.delta_pic_order_always_zero => {
                r.se()?;
                frame_delta.then(|| r.se());
            }
            _ => {}
        }
        r.bits(if slice.is_b() { 2 } else { 1 })?;
        Some([r.ue()?, if slice.is_b() { r.ue()? } else { 0 }])
    }

    /// Decodes a frame or a field, and gives the visible picture then.
    pub(super) fn play(&mut self, unit: &Unit) -> Option<Vec<u8>> {
        let mut slices = Vec::new();
        let mut picture = None;
        for data in nal_units(&unit.bytes) {
            match data[0] & 0x1f {
                nal::SPS => self.read_sequence(data)?,
                nal::PPS => self.read_picture_set(data)?,
                nal::SLICE | nal::IDR => {
                    let (params, slice) = self.read_slice(data)?;
                    picture.get_or_insert(params);
                    slices.push((slice, data.to_vec()));
                }
                _ => {}
            }
        }
        let picture = picture?;
        let size = [picture.width_in_mbs_minus1, picture.height_in_mbs_minus1].map(|mbs| (usize::from(mbs) + 1) * 16);
        let target =
            self.target.get_or_insert_with(|| Pixels::on_device(Shape::surface(size[0], size[1])).expect("memory"));
        assert_eq!(self.decoder.decode(&picture, None, &slices, target), Ok(()));
        Some(target.visible())
    }
}
