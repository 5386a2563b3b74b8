//! What a slice's header says without its parameter sets, and how a byte stream falls into pictures.
use super::bits::{BitReader, nal_units};
use super::parameters::Parameters;
use super::sps::Sps;

/// `nal_unit_type` values.
pub mod nal {
    pub const SLICE: u8 = 1;
    pub const IDR: u8 = 5;
    pub const SPS: u8 = 7;
    pub const PPS: u8 = 8;
}

/// Bytes of a slice that are looked at: more than the fields read here can take.
const HEADER_BYTES: usize = 64;

/// The beginning of a slice header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    pub idr: bool,
    pub reference: bool,
    pub first_mb: u32,
    pub slice_type: u32,
    pub pps_id: u32,
}

impl Slice {
    /// `None` when `nal` is no slice of a primary picture or its header is broken.
    pub fn parse(nal: &[u8]) -> Option<Slice> {
        let header = *nal.first()?;
        let kind = header & 0x1f;
        if !matches!(kind, nal::SLICE | nal::IDR) {
            return None;
        }
        let mut r = BitReader::new(&nal[1..], HEADER_BYTES);
        let (first_mb, slice_type, pps_id) = (r.ue()?, r.ue()?, r.ue()?);
        let valid = slice_type < 10 && pps_id < 256;
        valid.then_some(Slice { idr: kind == nal::IDR, reference: header & 0x60 != 0, first_mb, slice_type, pps_id })
    }

    pub fn is_b(self) -> bool {
        self.slice_type % 5 == 1
    }

    pub fn is_intra(self) -> bool {
        matches!(self.slice_type % 5, 2 | 4)
    }
}

/// The field a slice belongs to: `None` for a frame, else whether it is the bottom field.
pub fn bottom_field(nal: &[u8], sps: &Sps) -> Option<bool> {
    if sps.frame_mbs_only {
        return None;
    }
    let mut r = BitReader::new(nal.get(1..)?, HEADER_BYTES);
    for _ in 0..3 {
        r.ue()?;
    }
    if sps.separate_colour_plane {
        r.bits(2)?;
    }
    r.bits(sps.log2_max_frame_num)?;
    let field = r.flag()?;
    let bottom = field && r.flag()?;
    field.then_some(bottom)
}

/// num_ref_idx_active_override_flag; `None` for a slice that has none, which is an I slice or a broken one.
pub fn overrides_reference_counts(nal: &[u8], slice: Slice, params: &Parameters) -> Option<bool> {
    if slice.is_intra() {
        return None;
    }
    let mut r = BitReader::new(nal.get(1..)?, HEADER_BYTES);
    for _ in 0..3 {
        r.ue()?;
    }
    r.bits(params.log2_max_frame_num_minus4 as u32 + 4)?;
    let field = !params.frame_mbs_only && r.flag()?;
    if field {
        r.flag()?;
    }
    if slice.idr {
        r.ue()?;
    }
    let delta_bottom = params.pic_order_present && !field;
    if params.pic_order_cnt_type == 0 {
        r.bits(params.log2_max_pic_order_cnt_lsb_minus4 as u32 + 4)?;
        if delta_bottom {
            r.se()?;
        }
    }
    if params.pic_order_cnt_type == 1 && !params.delta_pic_order_always_zero {
        r.se()?;
        if delta_bottom {
            r.se()?;
        }
    }
    if params.redundant_pic_cnt_present {
        r.ue()?;
    }
    if slice.is_b() {
        r.flag()?; // direct_spatial_mv_pred_flag
    }
    r.flag()
}

/// NAL units of one frame or field, with what precedes its slices.
#[derive(Default)]
pub struct Unit {
    /// Annex B, each NAL unit with a four-byte start code.
    pub bytes: Vec<u8>,
    /// The slices, each with the offset of its start code.
    pub slices: Vec<(u32, Slice)>,
}

impl Unit {
    pub fn push(&mut self, nal: &[u8]) {
        if let Some(slice) = Slice::parse(nal) {
            self.slices.push((self.bytes.len() as u32, slice));
        }
        self.bytes.extend_from_slice(&[0, 0, 0, 1]);
        self.bytes.extend_from_slice(nal);
    }
}

/// Splits a packet of whole access units into frames and fields. `head` holds the NAL units that came before without a slice
/// and takes those that end the packet without one.
pub fn split(head: &mut Unit, packet: &[u8]) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut current = std::mem::take(head);
    for nal in nal_units(packet) {
        let slice = Slice::parse(nal);
        let begins = match slice {
            Some(slice) => slice.first_mb == 0,
            // SEI, SPS, PPS, access unit delimiter and the reserved ones stand before a primary picture
            None => matches!(nal[0] & 0x1f, 6..=9 | 14..=18),
        };
        if begins && !current.slices.is_empty() {
            units.push(std::mem::take(&mut current));
        }
        current.push(nal);
    }
    if current.slices.is_empty() {
        *head = current;
    } else {
        units.push(current);
    }
    units
}

#[cfg(test)]
mod tests {
    use super::super::bits::BitWriter;
    use super::*;

    fn slice(first_mb: u32, slice_type: u32, pps_id: u32) -> Vec<u8> {
        let mut writer = BitWriter::default();
        [first_mb, slice_type, pps_id].into_iter().for_each(|value| writer.ue(value));
        writer.bits(16, 0xabcd);
        writer.into_nal(0x41)
    }

    #[test]
    fn a_packet_is_split_before_each_picture() {
        let sps = [0, 0, 0, 1, 0x67, 1];
        let mut packet = sps.to_vec();
        packet.extend([slice(0, 7, 3), slice(40, 7, 3), slice(0, 5, 0)].concat());
        packet.extend([0, 0, 1, 6, 9]);
        let mut head = Unit::default();
        let units = split(&mut head, &packet);
        let slices: Vec<usize> = units.iter().map(|unit| unit.slices.len()).collect();
        assert_eq!(slices, [2, 1]);
        assert!(units[0].bytes.starts_with(&sps));
        assert_eq!(units[0].slices[0].1.pps_id, 3);
        assert_eq!(head.bytes, [0, 0, 0, 1, 6, 9], "an SEI belongs to the picture that follows");
        let units = split(&mut head, &slice(0, 5, 0));
        assert!(units[0].bytes.starts_with(&[0, 0, 0, 1, 6, 9, 0, 0, 0, 1, 0x41]));
    }

    #[test]
    fn broken_headers_are_no_slices() {
        assert_eq!(Slice::parse(&[]), None);
        assert_eq!(Slice::parse(&[0x65]), None);
        assert_eq!(Slice::parse(&[0x65, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(Slice::parse(&slice(0, 10, 0)[4..]), None);
        assert_eq!(Slice::parse(&slice(0, 5, 256)[4..]), None);
    }
}
