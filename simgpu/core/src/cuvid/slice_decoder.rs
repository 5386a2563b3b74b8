//! Decodes a picture from what `cuvidDecodePicture` gets: slices and picture parameters.
use super::bits::nal_units;
use super::inner::{Inner, NO_TIMESTAMP, Sent};
use super::parameter_sets;
use super::slices::Slice;
use super::structs::PicParams;
use crate::status::{Status, cu};
use std::collections::BTreeMap;

/// Why a picture is not decoded at all: for the log, and for the program.
#[derive(Debug)]
pub struct Refused {
    pub why: String,
    pub status: Status,
}

/// A software decoder, fed with parameter sets written anew.
#[derive(Default)]
pub struct SliceDecoder {
    inner: Option<Inner>,
    /// What the decoder inside has been sent last.
    sequence: Vec<u8>,
    pictures: BTreeMap<u32, Vec<u8>>,
    /// Field pictures do not tell mb_adaptive_frame_field_flag and do not need it; it is kept so that the sequence parameter
    /// set does not change between fields and frames.
    mbaff: bool,
    started: bool,
    /// The stream was found to be 4:0:0.
    monochrome: bool,
}

impl SliceDecoder {
    /// Decodes a frame or a field. A broken picture is no refusal: it is concealed, or begins nothing.
    pub fn decode(&mut self, params: &PicParams, data: &[u8]) -> Result<Sent, Refused> {
        let invalid = |why: &str| Refused { why: format!("invalid {why}"), status: cu::INVALID_VALUE };
        parameter_sets::check(params).map_err(invalid)?;
        let nals: Vec<(&[u8], Slice)> =
            nal_units(data).into_iter().filter_map(|nal| Some((nal, Slice::parse(nal)?))).collect();
        refuse_what_cannot_be_rebuilt(params, &nals)?;
        if !self.started && is_monochrome(params, &nals) {
            self.monochrome = true;
        }
        if self.monochrome {
            return Err(unsupported("chroma format 4:0:0"));
        }
        if nals.is_empty() {
            return Ok(Sent { failed: true, ..Sent::default() });
        }
        if params.field_pic_flag == 0 {
            self.mbaff = params.h264.mbaff_frame_flag != 0;
        }
        if self.inner.is_none() {
            self.inner = Some(Inner::open().ok_or_else(|| Refused {
                why: "this FFmpeg has no software H.264 decoder".into(),
                status: cu::NOT_SUPPORTED,
            })?);
        }
        if self.was_sought(params, &nals) {
            self.forget();
        }
        let unit = self.unit(params, &nals);
        self.started = true;
        match &mut self.inner {
            Some(inner) => Ok(inner.decode(&unit, NO_TIMESTAMP)),
            None => Err(invalid("state")),
        }
    }

    /// The program has no reference pictures left where there must be some: it has flushed its decoder, to seek. Pictures
    /// from before would stand in for the missing ones.
    fn was_sought(&self, params: &PicParams, nals: &[(&[u8], Slice)]) -> bool {
        let references = params.h264.dpb.iter().any(|entry| entry.pic_idx >= 0 && entry.used_for_reference != 0);
        let idr = nals.iter().any(|(_, slice)| slice.idr);
        self.started && !references && !idr && params.second_field == 0 && params.h264.num_ref_frames > 0
    }

    fn forget(&mut self) {
        if let Some(inner) = &mut self.inner {
            inner.flush();
        }
        self.sequence.clear();
        self.pictures.clear();
    }

    /// The slices, with the parameter sets that changed before them.
    fn unit(&mut self, params: &PicParams, nals: &[(&[u8], Slice)]) -> Vec<u8> {
        let mut unit = Vec::new();
        let sequence = parameter_sets::sequence(params, self.mbaff, 1);
        if sequence != self.sequence {
            unit.extend_from_slice(&sequence);
            self.sequence = sequence;
            // FFmpeg drops the picture parameter sets of a sequence parameter set that is replaced
            self.pictures.clear();
        }
        for (_, slice) in nals {
            let picture = parameter_sets::picture(params, slice.pps_id);
            if self.pictures.get(&slice.pps_id) != Some(&picture) {
                unit.extend_from_slice(&picture);
                self.pictures.insert(slice.pps_id, picture);
            }
        }
        append(&mut unit, nals);
        unit
    }
}

/// The picture parameters do not tell 4:0:0, which FFmpeg passes on as 4:2:0. The first picture tells: it decodes without
/// an error as one of the two.
fn is_monochrome(params: &PicParams, nals: &[(&[u8], Slice)]) -> bool {
    let tellable = params.field_pic_flag == 0 && nals.iter().all(|(_, slice)| slice.idr) && !nals.is_empty();
    tellable && !decodes_as(1, params, nals) && decodes_as(0, params, nals)
}

fn decodes_as(chroma_format_idc: u32, params: &PicParams, nals: &[(&[u8], Slice)]) -> bool {
    let Some(mut inner) = Inner::open() else { return false };
    let mut unit = parameter_sets::sequence(params, params.h264.mbaff_frame_flag != 0, chroma_format_idc);
    for (_, slice) in nals {
        unit.extend_from_slice(&parameter_sets::picture(params, slice.pps_id));
    }
    append(&mut unit, nals);
    let sent = inner.decode(&unit, NO_TIMESTAMP);
    let mut displayed = sent.displayed;
    displayed.extend(inner.drain());
    !sent.failed
        && !displayed.is_empty()
        && displayed.iter().all(|picture| picture.damaged == 0 && picture.unrecovered == 0)
}

fn append(unit: &mut Vec<u8>, nals: &[(&[u8], Slice)]) {
    for (nal, _) in nals {
        unit.extend_from_slice(&[0, 0, 0, 1]);
        unit.extend_from_slice(nal);
    }
}

fn unsupported(what: &str) -> Refused {
    Refused { why: format!("{what} is not supported"), status: cu::NOT_SUPPORTED }
}

fn refuse_what_cannot_be_rebuilt(params: &PicParams, nals: &[(&[u8], Slice)]) -> Result<(), Refused> {
    let h = &params.h264;
    if h.bit_depth_luma_minus8 != 0 || h.bit_depth_chroma_minus8 != 0 {
        return Err(unsupported("H.264 with more than 8 bits"));
    }
    if h.residual_colour_transform_flag != 0 {
        return Err(unsupported("chroma format 4:4:4"));
    }
    if h.num_slice_groups_minus1 != 0 {
        return Err(unsupported("flexible macroblock ordering"));
    }
    // P and I slices do not depend on picture order counts, so those are decoded.
    if h.pic_order_cnt_type == 1 && nals.iter().any(|(_, slice)| slice.is_b()) {
        return Err(unsupported("picture order count type 1 with B slices (its offsets are not in CUVIDPICPARAMS)"));
    }
    Ok(())
}
