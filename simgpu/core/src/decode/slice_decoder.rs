//! Decodes a picture from what a driver gets: slices, and the fields of their parameter sets.
use super::inner::{Inner, NO_TIMESTAMP, Sent};
use super::parameter_sets;
use super::parameters::{Parameters, RefCounts};
use super::slices::{self, Slice};
use std::collections::BTreeMap;

/// Why a picture is not decoded at all: for the program, and a sentence for the log.
#[derive(Debug)]
pub struct Refused {
    pub reason: Reason,
    pub why: String,
}

/// The kinds of [`Refused`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A field has a value that the syntax does not allow.
    Invalid,
    /// A stream that cannot be decoded here.
    Unsupported,
}

/// A software decoder, fed with parameter sets written anew.
#[derive(Default)]
pub struct SliceDecoder {
    inner: Option<Inner>,
    /// What the decoder inside has been sent last.
    sequence: Vec<u8>,
    pictures: BTreeMap<u32, Vec<u8>>,
    /// The default lengths of reference lists by picture parameter set, minus 1, where slices tell them.
    defaults: BTreeMap<u32, [i32; 2]>,
    /// Field pictures do not tell mb_adaptive_frame_field_flag and do not need it; it is kept so that the sequence parameter
    /// set does not change between fields and frames.
    mbaff: bool,
    started: bool,
    /// The stream was found to be 4:0:0.
    monochrome: bool,
}

impl SliceDecoder {
    /// Decodes a frame or a field, from its NAL units without start codes. A broken picture is no refusal: it is concealed, or
    /// begins nothing.
    pub fn decode(&mut self, params: &Parameters, nals: &[&[u8]]) -> Result<Sent, Refused> {
        let invalid = |why: &str| Refused { reason: Reason::Invalid, why: format!("invalid {why}") };
        parameter_sets::check(params).map_err(invalid)?;
        self.learn_defaults(params, nals);
        let nals: Vec<(&[u8], Slice)> = nals.iter().filter_map(|nal| Some((*nal, Slice::parse(nal)?))).collect();
        refuse_what_cannot_be_rebuilt(params, &nals)?;
        if !self.started && params.chroma_format_idc.is_none() && self.is_monochrome(params, &nals) {
            self.monochrome = true;
        }
        if self.monochrome {
            return Err(unsupported("chroma format 4:0:0"));
        }
        if nals.is_empty() {
            return Ok(Sent { failed: true, ..Sent::default() });
        }
        self.mbaff = params.mbaff.unwrap_or(self.mbaff);
        if self.was_sought(params, &nals) {
            self.forget();
        }
        if self.inner.is_none() {
            self.inner = Some(Inner::open().ok_or_else(|| Refused {
                reason: Reason::Unsupported,
                why: "this FFmpeg has no software H.264 decoder".into(),
            })?);
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
    fn was_sought(&self, params: &Parameters, nals: &[(&[u8], Slice)]) -> bool {
        let idr = nals.iter().any(|(_, slice)| slice.idr);
        self.started && !params.has_references && !idr && !params.second_field && params.num_ref_frames > 0
    }

    /// Begins anew, in a new decoder: a flushed one may still fill in for a missing reference with a picture from before.
    fn forget(&mut self) {
        self.inner = None;
        self.sequence.clear();
        self.pictures.clear();
    }

    /// The slices, with the parameter sets that changed before them.
    fn unit(&mut self, params: &Parameters, nals: &[(&[u8], Slice)]) -> Vec<u8> {
        let mut unit = Vec::new();
        let sequence = parameter_sets::sequence(params, self.mbaff, 1);
        if sequence != self.sequence {
            unit.extend_from_slice(&sequence);
            self.sequence = sequence;
            // FFmpeg drops the picture parameter sets of a sequence parameter set that is replaced
            self.pictures.clear();
        }
        for (_, slice) in nals {
            let picture = parameter_sets::picture(params, slice.pps_id, self.num_ref_idx(params, slice.pps_id));
            if self.pictures.get(&slice.pps_id) != Some(&picture) {
                unit.extend_from_slice(&picture);
                self.pictures.insert(slice.pps_id, picture);
            }
        }
        append(&mut unit, nals);
        unit
    }

    /// A slice that does not override the default lengths of its reference lists has them.
    fn learn_defaults(&mut self, params: &Parameters, nals: &[&[u8]]) {
        let RefCounts::Active(counts) = &params.num_ref_idx else { return };
        for (nal, counts) in nals.iter().zip(counts) {
            let Some(slice) = Slice::parse(nal) else { continue };
            if slices::overrides_reference_counts(nal, slice, params) == Some(false) {
                let defaults = self.defaults.entry(slice.pps_id).or_default();
                let lists = if slice.is_b() { 2 } else { 1 };
                defaults[..lists].copy_from_slice(&counts[..lists]);
            }
        }
    }

    /// What the picture parameter set says of the lengths of reference lists. Where it is not known yet no slice needs it.
    fn num_ref_idx(&self, params: &Parameters, pps_id: u32) -> [i32; 2] {
        match params.num_ref_idx {
            RefCounts::Default(counts) => counts,
            RefCounts::Active(_) => self.defaults.get(&pps_id).copied().unwrap_or_default(),
        }
    }

    /// Where the picture parameters do not tell 4:0:0, FFmpeg passes it on as 4:2:0. The first picture tells: it decodes without
    /// an error as one of the two.
    fn is_monochrome(&self, params: &Parameters, nals: &[(&[u8], Slice)]) -> bool {
        let tellable = !params.field_pic && nals.iter().all(|(_, slice)| slice.idr) && !nals.is_empty();
        tellable && !self.decodes_as(1, params, nals) && self.decodes_as(0, params, nals)
    }

    fn decodes_as(&self, chroma_format_idc: u32, params: &Parameters, nals: &[(&[u8], Slice)]) -> bool {
        let Some(mut inner) = Inner::open() else { return false };
        let mut unit = parameter_sets::sequence(params, params.mbaff == Some(true), chroma_format_idc);
        for (_, slice) in nals {
            let num_ref_idx = self.num_ref_idx(params, slice.pps_id);
            unit.extend_from_slice(&parameter_sets::picture(params, slice.pps_id, num_ref_idx));
        }
        append(&mut unit, nals);
        let sent = inner.decode(&unit, NO_TIMESTAMP);
        let mut displayed = sent.displayed;
        displayed.extend(inner.drain());
        !sent.failed
            && !displayed.is_empty()
            && displayed.iter().all(|picture| picture.damaged == 0 && picture.unrecovered == 0)
    }
}

fn append(unit: &mut Vec<u8>, nals: &[(&[u8], Slice)]) {
    for (nal, _) in nals {
        unit.extend_from_slice(&[0, 0, 0, 1]);
        unit.extend_from_slice(nal);
    }
}

fn unsupported(what: &str) -> Refused {
    Refused { reason: Reason::Unsupported, why: format!("{what} is not supported") }
}

fn refuse_what_cannot_be_rebuilt(params: &Parameters, nals: &[(&[u8], Slice)]) -> Result<(), Refused> {
    if params.high_bit_depth {
        return Err(unsupported("H.264 with more than 8 bits"));
    }
    match params.chroma_format_idc {
        Some(0) => return Err(unsupported("chroma format 4:0:0")),
        Some(2) => return Err(unsupported("chroma format 4:2:2")),
        Some(3) => return Err(unsupported("chroma format 4:4:4")),
        _ if params.residual_colour_transform => return Err(unsupported("chroma format 4:4:4")),
        _ => {}
    }
    if params.num_slice_groups_minus1 != 0 {
        return Err(unsupported("flexible macroblock ordering"));
    }
    // P and I slices do not depend on picture order counts, so those are decoded.
    if params.pic_order_cnt_type == 1 && nals.iter().any(|(_, slice)| slice.is_b()) {
        return Err(unsupported("picture order count type 1 with B slices (its offsets are not told)"));
    }
    Ok(())
}
