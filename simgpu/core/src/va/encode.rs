//! Encoding of a picture: the program's own headers, and behind each slice header the macroblocks, all of them I_PCM.

use super::layout::{PackedHeader, buffer_type};
use super::layout_h264::{EncPicture, EncSequence, EncSlice, bits};
use super::picture::Rendered;
use super::pixels::Pixels;
use super::plain::{read, read_all};
use super::refuse;
use crate::h264::{Bits, Entropy, SliceKind, finish_slice};
use crate::status::{Outcome, va};

/// `VAEncPackedHeaderSlice`
const SLICE_HEADER: u32 = 3;

/// A coded picture.
pub struct Encoded {
    /// The buffer that the program wants it in.
    pub coded: u32,
    pub data: Vec<u8>,
    pub idr: bool,
}

/// Encodes what was rendered.
pub fn encode(rendered: &[Rendered], sequence: &mut Option<EncSequence>, source: &Pixels) -> Outcome<Encoded> {
    let by = "vaEndPicture";
    let found = |kind| rendered.iter().find(|item: &&Rendered| item.kind == kind);
    if let Some(item) = found(buffer_type::ENC_SEQUENCE) {
        *sequence = read(&item.bytes);
    }
    let picture = found(buffer_type::ENC_PICTURE).and_then(|item| read::<EncPicture>(&item.bytes));
    let (Some(sequence), Some(picture)) = (sequence.as_ref(), picture) else {
        return refuse(
            by,
            "a picture without VAEncSequenceParameterBufferH264 or VAEncPictureParameterBufferH264",
            va::INVALID_PARAMETER,
        );
    };
    let (across, down) = (usize::from(sequence.width_in_mbs), usize::from(sequence.height_in_mbs));
    if across == 0 || down == 0 || across > 256 || down > 256 {
        return refuse(by, &format!("a picture of {across}x{down} macroblocks"), va::RESOLUTION_NOT_SUPPORTED);
    }
    let pixels = source.picture(across, down);
    let mut data = Vec::new();
    let mut announced = None;
    let mut header = None;
    for item in rendered {
        match item.kind {
            buffer_type::ENC_PACKED_PARAMETER => announced = read::<PackedHeader>(&item.bytes),
            buffer_type::ENC_PACKED_DATA => match announced.take() {
                Some(packed) if packed.has_emulation_bytes == 0 => {
                    return refuse(by, "packed headers without emulation prevention", va::UNIMPLEMENTED);
                }
                Some(packed) if packed.kind == SLICE_HEADER => header = Some((packed.bit_length as usize, &item.bytes)),
                Some(packed) => data.extend(item.bytes.iter().take(packed.bit_length.div_ceil(8) as usize)),
                None => return refuse(by, "packed data that was not announced", va::INVALID_PARAMETER),
            },
            buffer_type::ENC_SLICE => {
                for slice in read_all::<EncSlice>(&item.bytes, item.element) {
                    let Some((length, bytes)) = header.take() else {
                        return refuse(by, "a slice whose header the program does not write", va::UNIMPLEMENTED);
                    };
                    let Some((nal_header, header)) = slice_header(bytes, length) else {
                        return refuse(by, "a packed slice header that is none", va::INVALID_PARAMETER);
                    };
                    let first = slice.first_mb as usize;
                    let range = first..first.saturating_add(slice.mb_count as usize);
                    if range.end > across * down {
                        return refuse(
                            by,
                            &format!("macroblocks {range:?} of {}", across * down),
                            va::INVALID_PARAMETER,
                        );
                    }
                    let kind = match slice.slice_type % 5 {
                        0 => SliceKind::P,
                        1 => SliceKind::B,
                        2 => SliceKind::I,
                        other => return refuse(by, &format!("slices of type {other}"), va::UNIMPLEMENTED),
                    };
                    let entropy = if bits(picture.fields, 3, 1) == 1 {
                        let qp = i32::from(picture.pic_init_qp) + i32::from(slice.slice_qp_delta);
                        Entropy::Cabac { qp, init_idc: slice.cabac_init_idc.into() }
                    } else {
                        Entropy::Cavlc
                    };
                    data.extend(finish_slice(header, nal_header, &pixels, range, kind, entropy));
                }
            }
            _ => {}
        }
    }
    Ok(Encoded { coded: picture.coded_buffer, data, idr: bits(picture.fields, 0, 1) == 1 })
}

/// The byte behind the start code, and the header's bits with the emulation prevention taken out.
fn slice_header(bytes: &[u8], length: usize) -> Option<(u8, Bits)> {
    let start = bytes.windows(3).position(|window| window == [0, 0, 1])? + 3;
    let nal_header = *bytes.get(start)?;
    let mut left = length.checked_sub((start + 1) * 8)?;
    let mut header = Bits::default();
    let mut zeros = 0;
    for byte in &bytes[start + 1..] {
        let count = left.min(8);
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
        } else {
            zeros = if *byte == 0 { zeros + 1 } else { 0 };
            header.u(count as u32, u32::from(*byte) >> (8 - count));
        }
        left -= count;
    }
    (left == 0).then_some((nal_header, header))
}
