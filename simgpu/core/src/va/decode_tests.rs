//! Streams taken apart into what a VA-API program renders of them, decoded, and compared with the decoder that gets them whole.

use super::super::layout::INVALID_ID;
use super::super::pixels::Shape;
use super::*;
use crate::decode::Inner;
use crate::decode::bits::{BitReader, nal_units};
use crate::decode::slices::{Slice, Unit, nal, split};
use std::collections::BTreeMap;

#[path = "decode_tests/program.rs"]
mod program;
#[path = "../../../tests/h264/mod.rs"]
mod streams;

use program::*;
use streams::{FIELDS, FRAMES, Kind, Pic, Sequence, Stream, Structure};

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
