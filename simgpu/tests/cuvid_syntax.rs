//! Decoding by the SIMULATED driver of H.264 syntax that x264 does not make, bit by bit against FFmpeg's software decoder.

mod common;
mod decoding;
mod h264;

use decoding::assert_same_as_software;
use h264::{FIELDS, FRAMES, Kind, Parameters, Pic, Sequence, Stream, Structure};

const TWO: Parameters =
    Parameters { num_ref_idx: (1, 1), weighted_pred: false, weighted_bipred: 0, qp: 2, bottom_delta: false };

/// Both fields of a frame; the second refers to the first unless it is a B picture.
fn pair(stream: &mut Stream, pic: Pic) {
    let second = match pic.kind {
        Kind::I => Kind::P,
        kind => kind,
    };
    stream.push(&pic.clone().field(Structure::Top));
    let bottom = Pic { kind: second, idr: false, poc: pic.poc + 1, mmco: Vec::new(), ..pic };
    stream.push(&bottom.field(Structure::Bottom));
}

/// I and P frames with disposable B frames between them: the reference pictures' order is 0, 2, 4, ..
fn groups(stream: &mut Stream, count: u32, mut write: impl FnMut(&mut Stream, u32, Pic)) {
    write(stream, 0, Pic::idr());
    for at in 1..count {
        let poc = 4 * at as i32;
        write(stream, at, Pic::new(Kind::P, at, poc));
        write(stream, at, Pic::new(Kind::B, at + 1, poc - 2));
    }
}

#[test]
fn frames_with_wrapping_frame_num_and_order_count() {
    let mut stream = Stream::new(FRAMES, &[TWO]);
    groups(&mut stream, 40, |stream, _, pic| stream.push(&pic));
    assert_same_as_software("frames", &stream.bytes, 79);
}

#[test]
fn field_pictures() {
    let mut stream = Stream::new(FIELDS, &[TWO]);
    groups(&mut stream, 12, |stream, _, pic| pair(stream, pic));
    assert_same_as_software("fields", &stream.bytes, 23);
}

#[test]
fn field_pictures_with_many_references_and_slices() {
    let sequence = Sequence { num_ref_frames: 6, ..FIELDS };
    let mut stream = Stream::new(sequence, &[Parameters { num_ref_idx: (5, 3), ..TWO }]);
    groups(&mut stream, 12, |stream, at, pic| {
        pair(stream, Pic { slices: 1 + at % 3, temporal_direct: at % 2 == 1, ..pic });
    });
    assert_same_as_software("fields-slices", &stream.bytes, 23);
}

#[test]
fn frames_and_fields_alternate() {
    for mbaff in [false, true] {
        let mut stream = Stream::new(Sequence { mbaff, ..FIELDS }, &[TWO]);
        groups(&mut stream, 14, |stream, at, pic| {
            // The macroblock writer knows no MBAFF: its frames are I_PCM or skipped pictures there.
            if at % 3 == 0 || mbaff { pair(stream, pic) } else { stream.push(&pic) }
        });
        assert_same_as_software("paff", &stream.bytes, 27);
    }
}

#[test]
fn explicit_and_implicit_weights() {
    for (structure, weighted_bipred) in [(FRAMES, 1), (FRAMES, 2), (FIELDS, 1), (FIELDS, 2)] {
        let weighted = Parameters { weighted_pred: true, weighted_bipred, ..TWO };
        let mut stream = Stream::new(structure, &[weighted]);
        groups(&mut stream, 12, |stream, at, pic| {
            let pic = Pic { temporal_direct: at % 2 == 0, ..pic };
            if structure.frame_mbs_only { stream.push(&pic) } else { pair(stream, pic) }
        });
        assert_same_as_software("weights", &stream.bytes, 23);
    }
}

#[test]
fn several_picture_parameter_sets_which_change() {
    let weighted = Parameters { weighted_pred: true, weighted_bipred: 1, qp: -6, ..TWO };
    let many = Parameters { num_ref_idx: (3, 2), qp: 9, ..TWO };
    let mut stream = Stream::new(FRAMES, &[TWO, weighted, many]);
    groups(&mut stream, 24, |stream, at, pic| {
        if at == 12 {
            stream.change(1, Parameters { qp: 4, ..weighted });
            stream.change(2, Parameters { weighted_bipred: 2, ..many });
        }
        stream.push(&Pic { pps: at * 5 % 3, ..pic });
    });
    assert_same_as_software("parameter-sets", &stream.bytes, 47);
}

#[test]
fn order_count_with_bottom_delta() {
    let mut stream = Stream::new(FIELDS, &[Parameters { bottom_delta: true, weighted_bipred: 2, ..TWO }]);
    groups(&mut stream, 10, |stream, at, pic| {
        if at % 2 == 0 { pair(stream, pic) } else { stream.push(&Pic { temporal_direct: true, ..pic }) }
    });
    assert_same_as_software("bottom-delta", &stream.bytes, 19);
}

#[test]
fn order_count_types_without_b_pictures() {
    for poc_type in [1, 2] {
        let mut stream = Stream::new(Sequence { poc_type, reorder: 0, ..FRAMES }, &[TWO]);
        stream.push(&Pic::idr());
        (1..30).for_each(|at| stream.push(&Pic::new(Kind::P, at, 0)));
        assert_same_as_software("order-count", &stream.bytes, 30);
    }
}

#[test]
fn long_term_references() {
    let mut stream = Stream::new(FRAMES, &[Parameters { num_ref_idx: (3, 1), ..TWO }]);
    for _ in 0..3 {
        groups(&mut stream, 12, |stream, at, pic| {
            // LongTermFrameIdx 0 from the last picture, 1 from this one; the first dropped, then a short-term one, then all
            let (mmco, reorder) = match at {
                2 => (vec![vec![4, 2], vec![3, 0, 0]], vec![]),
                3 => (vec![vec![6, 1]], vec![(2, 0)]),
                4 => (vec![], vec![(2, 1), (2, 0), (0, 1)]),
                5 => (vec![], vec![(2, 0)]),
                6 => (vec![vec![2, 0]], vec![(2, 0), (2, 1)]),
                7 => (vec![vec![1, 2]], vec![]),
                8 => (vec![], vec![(2, 1)]),
                9 => (vec![vec![4, 0]], vec![]),
                _ => (vec![], vec![]),
            };
            let only_p = pic.kind == Kind::P;
            stream.push(&if only_p { Pic { mmco, reorder, ..pic } } else { pic });
        });
    }
    assert_same_as_software("long-term", &stream.bytes, 69);
}

#[test]
fn long_term_references_in_fields() {
    let mut stream = Stream::new(FIELDS, &[Parameters { num_ref_idx: (3, 1), ..TWO }]);
    for _ in 0..2 {
        groups(&mut stream, 8, |stream, at, pic| {
            // FFmpeg keeps only the second field of a frame whose fields are both marked, so that is the one referred to.
            let (marks, reorder) = match (pic.kind, at) {
                (Kind::P, 3) => ([vec![vec![4, 1], vec![6, 0]], vec![vec![6, 0]]], [vec![], vec![]]),
                (Kind::P, 5..) => ([vec![], vec![]], [vec![(2, 0), (0, 1)], vec![(2, 1), (0, 1)]]),
                _ => return pair(stream, pic),
            };
            let fields = [Structure::Top, Structure::Bottom].into_iter().enumerate();
            for (((second, structure), mmco), reorder) in fields.zip(marks).zip(reorder) {
                stream.push(&Pic { mmco, reorder, structure, poc: pic.poc + second as i32, ..pic.clone() });
            }
        });
    }
    assert_same_as_software("long-term-fields", &stream.bytes, 30);
}

#[test]
fn memory_management_reset_in_mid_stream() {
    let mut stream = Stream::new(FRAMES, &[TWO]);
    stream.push(&Pic::idr());
    (1..6).for_each(|at| stream.push(&Pic::new(Kind::P, at, 2 * at as i32)));
    stream.push(&Pic { mmco: vec![vec![5]], ..Pic::new(Kind::I, 6, 12) });
    (1..8).for_each(|at| stream.push(&Pic::new(Kind::P, at, 2 * at as i32)));
    assert_same_as_software("reset", &stream.bytes, 14);
}

#[test]
fn a_new_sequence_without_a_new_size() {
    let mut stream = Stream::new(FRAMES, &[TWO]);
    groups(&mut stream, 6, |stream, _, pic| stream.push(&pic));
    stream.restart(Sequence { num_ref_frames: 2, ..FIELDS });
    groups(&mut stream, 6, |stream, _, pic| pair(stream, pic));
    stream.restart(Sequence { poc_type: 2, reorder: 0, ..FRAMES });
    stream.push(&Pic::idr());
    (1..6).for_each(|at| stream.push(&Pic::new(Kind::P, at, 0)));
    assert_same_as_software("sequences", &stream.bytes, 28);
}

#[test]
fn gaps_in_frame_num() {
    let mut stream = Stream::new(Sequence { gaps_allowed: true, ..FRAMES }, &[TWO]);
    stream.push(&Pic::idr());
    (1..16).for_each(|at| stream.push(&Pic::new(Kind::P, 2 * at, 2 * at as i32)));
    assert_same_as_software("gaps", &stream.bytes, 16);
}

#[test]
fn disposable_fields_and_references_of_one_field() {
    let mut stream = Stream::new(FIELDS, &[TWO]);
    pair(&mut stream, Pic::idr());
    for at in 1..10 {
        pair(&mut stream, Pic::new(Kind::P, at, 4 * at as i32));
        pair(&mut stream, Pic::new(Kind::P, at + 1, 4 * at as i32 + 2).disposable());
    }
    assert_same_as_software("disposable-fields", &stream.bytes, 19);
}
