//! Streams taken apart into what a VA-API program renders of them, decoded, and compared with the decoder that gets them whole.

use super::super::layout::INVALID_ID;
use super::super::pixels::Shape;
use super::*;
use crate::decode::Inner;
use crate::decode::bits::{BitReader, nal_units};
use crate::decode::slices::{Slice, Unit, nal, split};
use std::collections::BTreeMap;

#[path = "../../../tests/h264/mod.rs"]
mod streams;

use streams::{FIELDS, FRAMES, Kind, Pic, Sequence, Stream, Structure};

const INVALID: Picture = Picture {
    surface: INVALID_ID,
    frame_idx: 0,
    flags: flags::INVALID,
    top_field_order_cnt: 0,
    bottom_field_order_cnt: 0,
    reserved: [0; 4],
};
const REFERENCE: Picture = Picture { surface: 7, flags: flags::SHORT_TERM_REFERENCE, ..INVALID };

fn nothing() -> PictureParameters {
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
struct Word(u32, u32);

impl Word {
    fn put(&mut self, count: u32, value: u32) {
        assert!(value < 1 << count);
        self.0 |= value << self.1;
        self.1 += count;
    }
}

/// A picture parameter set: the structure as far as it decides, and the default lengths of the reference lists, minus 1.
#[derive(Clone, Copy)]
struct PictureSet {
    params: PictureParameters,
    defaults: [u32; 2],
}

/// A program that plays a stream.
struct Program {
    sequence: PictureParameters,
    sets: BTreeMap<u32, PictureSet>,
    decoder: Decoder,
    target: Option<Pixels>,
}

impl Program {
    fn new() -> Program {
        Program { sequence: nothing(), sets: BTreeMap::new(), decoder: Decoder::default(), target: None }
    }

    fn read_sequence(&mut self, nal: &[u8]) -> Option<()> {
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

    fn read_picture_set(&mut self, nal: &[u8]) -> Option<()> {
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
    fn read_slice(&self, data: &[u8]) -> Option<(PictureParameters, SliceParameters)> {
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

    fn overriding_counts(&self, data: &[u8], slice: Slice, told: &Parameters) -> Option<[u32; 2]> {
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
    fn play(&mut self, unit: &Unit) -> Option<Vec<u8>> {
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

/// A decoded picture as surfaces have it.
fn nv12(picture: &decode::Picture) -> Vec<u8> {
    let planes = picture.planes().expect("4:2:0");
    let target = Pixels::on_device(Shape::surface(planes.width, planes.height)).expect("memory");
    target.put_planes(Some(planes));
    target.visible()
}

/// Takes the stream apart, plays it, and compares each frame with what the whole stream gives.
fn assert_plays(name: &str, stream: &[u8], frames: usize) {
    let mut program = Program::new();
    let mut whole = Inner::open().expect("a decoder");
    let mut pictures = Vec::new();
    for unit in split(&mut Unit::default(), stream) {
        let sent = whole.decode(&unit.bytes, decode::NO_TIMESTAMP);
        assert!(!sent.failed, "{name}");
        let got = program.play(&unit).expect("valid syntax");
        match sent.begun {
            Some((_, picture)) => pictures.push((picture, got)),
            None => pictures.last_mut().expect("a first field").1 = got,
        }
    }
    assert_eq!(pictures.len(), frames, "{name}");
    for (at, (expected, got)) in pictures.iter().enumerate() {
        assert!(nv12(expected) == *got, "{name}: frame {at}");
    }
}

#[test]
fn published_streams() {
    for stream in media::h264() {
        let bytes = std::fs::read(&stream.path).expect("readable");
        assert_plays(&stream.name, &bytes, stream.frame_count);
    }
}

const SEVERAL: streams::Parameters =
    streams::Parameters { num_ref_idx: (2, 1), weighted_pred: false, weighted_bipred: 0, qp: 2, bottom_delta: false };

/// I, P and disposable B pictures, as frames or fields.
fn groups(sequence: Sequence, sets: &[streams::Parameters]) -> Vec<u8> {
    let mut stream = Stream::new(sequence, sets);
    let mut push = |at: u32, pic: Pic| {
        let pic = Pic { pps: at % sets.len() as u32, slices: 1 + at % 3, ..pic };
        if sequence.frame_mbs_only {
            return stream.push(&pic);
        }
        let second = if pic.kind == Kind::I { Kind::P } else { pic.kind };
        stream.push(&pic.clone().field(Structure::Top));
        stream.push(&Pic { kind: second, idr: false, poc: pic.poc + 1, ..pic }.field(Structure::Bottom));
    };
    push(0, Pic::idr());
    for at in 1..10 {
        push(at, Pic::new(Kind::P, at, 4 * at as i32));
        push(at, Pic::new(Kind::B, at + 1, 4 * at as i32 - 2));
    }
    stream.bytes
}

#[test]
fn default_lengths_of_reference_lists_come_from_the_slices() {
    let other = streams::Parameters { num_ref_idx: (0, 0), qp: -4, ..SEVERAL };
    assert_plays("frames", &groups(FRAMES, &[SEVERAL, other]), 19);
    let delta = streams::Parameters { bottom_delta: true, weighted_pred: true, weighted_bipred: 1, ..SEVERAL };
    assert_plays("deltas", &groups(FRAMES, &[other, delta]), 19);
}

#[test]
fn two_fields_make_one_picture() {
    assert_plays("fields", &groups(FIELDS, &[SEVERAL]), 19);
    let mbaff = Sequence { mbaff: true, num_ref_frames: 6, ..FIELDS };
    assert_plays("mbaff", &groups(mbaff, &[streams::Parameters { num_ref_idx: (5, 3), ..SEVERAL }]), 19);
}

#[test]
fn order_count_types() {
    for poc_type in [1, 2] {
        let mut stream = Stream::new(Sequence { poc_type, reorder: 0, ..FRAMES }, &[SEVERAL]);
        stream.push(&Pic::idr());
        (1..12).for_each(|at| stream.push(&Pic::new(Kind::P, at, 0)));
        assert_plays("order count", &stream.bytes, 12);
    }
}

/// The units of a stream of frames.
fn units(stream: &[u8]) -> Vec<Unit> {
    split(&mut Unit::default(), stream)
}

#[test]
fn after_a_seek_no_picture_from_before_is_a_reference() {
    let mut stream = Stream::new(FRAMES, &[streams::Parameters { num_ref_idx: (1, 1), ..SEVERAL }]);
    stream.push(&Pic::idr());
    (1..3).for_each(|at| stream.push(&Pic::new(Kind::P, at, 11 + 2 * at as i32)));
    // An I picture to seek to, whose order count is just below those of the pictures before.
    stream.push(&Pic::new(Kind::I, 3, 12));
    stream.push(&Pic::new(Kind::P, 4, 16));
    stream.push(&Pic::new(Kind::B, 5, 14));
    let units = units(&stream.bytes);
    let (before, after) = units.split_at(3);
    let play_after = |program: &mut Program| {
        let mut pictures = Vec::new();
        for unit in after {
            let data = nal_units(&unit.bytes)[0].to_vec();
            let (mut params, slice) = program.read_slice(&data).expect("a slice");
            if pictures.is_empty() {
                params.references = [INVALID; 16];
            }
            let target =
                program.target.get_or_insert_with(|| Pixels::on_device(Shape::surface(64, 64)).expect("memory"));
            assert_eq!(program.decoder.decode(&params, None, &[(slice, data)], target), Ok(()));
            pictures.push(target.visible());
        }
        pictures
    };
    let (mut fresh, mut sought) = (Program::new(), Program::new());
    before.iter().for_each(|unit| drop(sought.play(unit).expect("valid syntax")));
    (fresh.sequence, fresh.sets) = (sought.sequence, sought.sets.clone());
    for (at, (expected, got)) in play_after(&mut fresh).iter().zip(play_after(&mut sought)).enumerate() {
        assert!(*expected == got, "picture {at} after the seek was made from one before it");
    }
}

#[test]
fn a_slice_is_taken_from_its_place_in_the_buffer() {
    let units = units(&groups(FRAMES, &[SEVERAL]));
    let (mut whole, mut within) = (Program::new(), Program::new());
    let expected = whole.play(&units[0]).expect("valid syntax");
    within.play(&units[0]).expect("valid syntax");
    let data = nal_units(&units[0].bytes).into_iter().find(|nal| Slice::parse(nal).is_some()).expect("a slice");
    let (params, mut slice) = within.read_slice(data).expect("a slice");
    let target = Pixels::on_device(Shape::surface(64, 64)).expect("memory");
    let buffer = [&[1, 2, 3], data, &[4; 9]].concat();
    slice.data_offset = 3;
    let mut decoder = Decoder::default();
    assert_eq!(decoder.decode(&params, None, &[(slice, buffer.clone())], &target), Ok(()));
    assert!(target.visible() == expected);
    for (data_offset, data_size) in [(4, buffer.len()), (u32::MAX, 1), (3, u32::MAX as usize)] {
        let slice = SliceParameters { data_offset, data_size: data_size as u32, ..slice };
        let result = decoder.decode(&params, None, &[(slice, buffer.clone())], &target);
        assert_eq!(result, Err(va::INVALID_PARAMETER));
    }
    assert!(target.visible() == expected, "a refused picture leaves the surface alone");
}

#[test]
fn what_cannot_be_decoded_is_refused() {
    let units = units(&groups(FRAMES, &[SEVERAL]));
    let mut program = Program::new();
    let expected = program.play(&units[0]).expect("valid syntax");
    let data = nal_units(&units[0].bytes).into_iter().find(|nal| Slice::parse(nal).is_some()).expect("a slice");
    let (params, slice) = program.read_slice(data).expect("a slice");
    let target = Pixels::on_device(Shape::surface(64, 64)).expect("memory");
    let mut decode = |params: &PictureParameters, slice: SliceParameters| {
        program.decoder.decode(params, None, &[(slice, data.to_vec())], &target)
    };
    let chroma = |format: u32| PictureParameters { sequence: params.sequence & !3 | format, ..params };
    for format in [0, 2, 3] {
        assert_eq!(decode(&chroma(format), slice), Err(va::UNIMPLEMENTED), "{format}");
    }
    let deep = PictureParameters { bit_depth_chroma_minus8: 2, ..params };
    assert_eq!(decode(&deep, slice), Err(va::UNIMPLEMENTED));
    let groups = PictureParameters { num_slice_groups_minus1: 1, ..params };
    assert_eq!(decode(&groups, slice), Err(va::UNIMPLEMENTED));
    assert_eq!(decode(&params, SliceParameters { data_flag: 1, ..slice }), Err(va::UNIMPLEMENTED));
    let wrong = PictureParameters { pic_init_qp_minus26: 26, ..params };
    assert_eq!(decode(&wrong, slice), Err(va::INVALID_PARAMETER));
    assert_eq!(decode(&params, slice), Ok(()));
    assert!(target.visible() == expected);
}

#[test]
fn a_picture_without_slices_is_grey() {
    let units = units(&groups(FRAMES, &[SEVERAL]));
    let mut program = Program::new();
    program.play(&units[0]).expect("valid syntax");
    let target = Pixels::on_device(Shape::surface(64, 64)).expect("memory");
    let params = PictureParameters { references: [REFERENCE; 16], ..program.sequence };
    assert_eq!(program.decoder.decode(&params, None, &[], &target), Ok(()));
    assert!(target.visible().iter().all(|sample| *sample == 128));
}
