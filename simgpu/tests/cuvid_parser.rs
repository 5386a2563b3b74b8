//! The SIMULATED driver's video parser: which callbacks come, in which order, with what.

mod common;
mod h264;
mod nvcuvid;

use common::cuda;
use h264::{FIELDS, FRAMES, Kind, Parameters, Pic, Sequence, Stream, Structure};
use nvcuvid::{Event, Fields, H264, HEVC, INVALID_HANDLE, INVALID_VALUE, NOT_SUPPORTED, Player};
use tempfile::TempDir;

const END_OF_STREAM: u64 = 1;
const DISCONTINUITY: u64 = 4;
const NOTIFY_END: u64 = 16;
const FRAME: i64 = 400_000;

/// Packets of I P B P B ..: one picture each. The first has the parameter sets.
fn packets(pictures: u32) -> Vec<Vec<u8>> {
    let mut stream = Stream::new(FRAMES, &[Parameters { num_ref_idx: (1, 1), ..Parameters::default() }]);
    let mut packets = Vec::new();
    let mut push = |stream: &mut Stream, pic: &Pic| {
        stream.push(pic);
        packets.push(std::mem::take(&mut stream.bytes));
    };
    push(&mut stream, &Pic::idr());
    for at in 1..=pictures / 2 {
        push(&mut stream, &Pic::new(Kind::P, at, 4 * at as i32));
        push(&mut stream, &Pic::new(Kind::B, at + 1, 4 * at as i32 - 2));
    }
    packets
}

#[test]
fn pictures_are_displayed_in_order_with_their_time_stamps() {
    let (_turn, gpu) = common::driver();
    let (cuda, cuvid) = (cuda::open(), nvcuvid::open());
    let context = cuda.context();
    let player = Player::new(&cuvid, 12, 1);
    let packets = packets(20);
    // In display order the pictures are 0, 2, 1, 4, 3, ..
    let order = |at: usize| if at == 0 { 0 } else if at % 2 == 1 { at + 1 } else { at - 1 } as i64;
    for (at, packet) in packets.iter().enumerate() {
        assert_eq!(player.feed(packet, 0, Some(1_000_000 + order(at) * FRAME)), 0);
    }
    assert!(player.displayed().len() < packets.len(), "the last ones wait for the end");
    assert_eq!(player.feed(&[], END_OF_STREAM, None), 0);
    assert_eq!(player.feed(&[], END_OF_STREAM, None), 0, "a second end does nothing");
    let stamps: Vec<i64> = player.displayed().into_iter().map(|(_, stamp)| stamp).collect();
    let expected: Vec<i64> = (0..packets.len() as i64).map(|at| 1_000_000 + at * FRAME).collect();
    assert_eq!(stamps, expected);
    // A picture is decoded before it is displayed, and its index is not given out again before that.
    let mut in_use = Vec::new();
    for event in &player.events()[1..] {
        match event {
            Event::Decode(index, _) => {
                assert!(!in_use.contains(index), "{:?}", player.events());
                in_use.push(*index);
            }
            Event::Display(Some((index, _))) => in_use.retain(|used| used != index),
            other => panic!("{other:?}"),
        }
    }
    assert!(in_use.is_empty());
    player.close();
    drop(context);
    assert!(gpu.ledger().is_empty() && gpu.ledger().violations.is_empty(), "{}", gpu.ledger());
}

#[test]
fn time_stamps_that_are_missing_follow_the_frame_rate() {
    let (_turn, _gpu) = common::driver();
    let (cuda, cuvid) = (cuda::open(), nvcuvid::open());
    let _context = cuda.context();
    let player = Player::new(&cuvid, 12, 1);
    for (at, packet) in packets(10).iter().enumerate() {
        assert_eq!(player.feed(packet, 0, (at == 0).then_some(9_000_000)), 0);
    }
    assert_eq!(player.feed(&[], END_OF_STREAM | NOTIFY_END, None), 0);
    let stamps: Vec<i64> = player.displayed().into_iter().map(|(_, stamp)| stamp).collect();
    assert_eq!(stamps, (0..11).map(|at| 9_000_000 + at * FRAME).collect::<Vec<_>>());
    assert_eq!(player.events().last(), Some(&Event::Display(None)), "the end is told to who asks");
    player.close();
}

#[test]
fn the_sequence_is_described() {
    let (_turn, _gpu) = common::driver();
    let (cuda, cuvid) = (cuda::open(), nvcuvid::open());
    let _context = cuda.context();
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("a.h264");
    let source = "testsrc2=size=322x182:rate=30000/1001";
    // Since FFmpeg 7 a picture's own colours go before the options -color_primaries and so on.
    let colours = "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=pc";
    let filters = format!("setsar=4/3,format=yuv420p,{colours}");
    let mut arguments = vec!["-f", "lavfi", "-i", source, "-frames:v", "3", "-vf", &filters];
    arguments.extend(["-c:v", "libx264", "-x264-params", "ref=3:bframes=2", path.to_str().expect("a plain path")]);
    common::program::ffmpeg(&arguments);
    let player = Player::new(&cuvid, 12, 1);
    assert_eq!(player.feed(&std::fs::read(path).expect("just encoded"), END_OF_STREAM, None), 0);
    let Event::Sequence(format) = &player.events()[0].clone() else { panic!("{:?}", player.events()) };
    let format = Fields(**format);
    assert_eq!([0, 4, 8].map(|at| format.u32(at)), [H264, 30_000, 1001]);
    assert_eq!(format.0[12..15], [1, 0, 0], "progressive, 8 bits");
    assert!((4..=7).contains(&format.0[15]), "{} surfaces for 3 references", format.0[15]);
    assert_eq!([16, 20].map(|at| format.u32(at)), [336, 192]);
    assert_eq!([24, 28, 32, 36].map(|at| format.u32(at)), [0, 0, 322, 182]);
    assert_eq!(format.u32(40), 1, "4:2:0");
    assert_eq!([48, 52].map(|at| format.u32(at)), [92, 39], "322 * 4 : 182 * 3");
    assert_eq!(format.0[56..60], [5 | 8, 1, 1, 1]);
    player.close();
}

#[test]
fn a_field_pair_is_one_picture_with_two_decode_callbacks() {
    let (_turn, gpu) = common::driver();
    let (cuda, cuvid) = (cuda::open(), nvcuvid::open());
    let _context = cuda.context();
    let player = Player::new(&cuvid, 12, 1);
    let mut stream = Stream::new(Sequence { reorder: 0, ..FIELDS }, &[Parameters::default()]);
    for at in 0..3 {
        let first = if at == 0 { Pic::idr() } else { Pic::new(Kind::P, at, 2 * at as i32) };
        stream.push(&first.clone().field(Structure::Top));
        stream.push(&Pic::new(Kind::P, at, 2 * at as i32 + 1).field(Structure::Bottom));
    }
    assert_eq!(player.feed(&stream.bytes, END_OF_STREAM, None), 0);
    let decoded: Vec<_> = player.events().iter().filter(|event| matches!(event, Event::Decode(..))).cloned().collect();
    let expected: Vec<_> = (0..3).flat_map(|at| [Event::Decode(at, false), Event::Decode(at, true)]).collect();
    assert_eq!(decoded, expected);
    assert_eq!(player.displayed().len(), 3);
    assert_eq!(gpu.ledger().decoders[0].pictures, 3);
    player.close();
}

#[test]
fn another_size_ends_the_sequence_and_begins_another() {
    let (_turn, gpu) = common::driver();
    let (cuda, cuvid) = (cuda::open(), nvcuvid::open());
    let _context = cuda.context();
    let player = Player::new(&cuvid, 0, 1);
    player.answer.set(14);
    for side in [64_u32, 128, 64] {
        let directory = TempDir::new().expect("a temporary directory");
        let path = directory.path().join("a.h264");
        let source = format!("testsrc2=size={side}x{side},format=yuv420p");
        let path = path.to_str().expect("a plain path");
        let arguments =
            ["-f", "lavfi", "-i", &source, "-frames:v", "6", "-c:v", "libx264", "-x264-params", "bframes=2", path];
        common::program::ffmpeg(&arguments);
        assert_eq!(player.feed(&std::fs::read(path).expect("just encoded"), 0, None), 0);
    }
    assert_eq!(player.feed(&[], END_OF_STREAM, None), 0);
    let parts: Vec<usize> = player
        .events()
        .split(|event| matches!(event, Event::Sequence(_)))
        .map(|part| part.iter().filter(|event| matches!(event, Event::Display(_))).count())
        .collect();
    assert_eq!(parts, [0, 6, 6, 6], "each sequence is displayed to its end before the next begins");
    assert_eq!(gpu.ledger().violations, [""; 0]);
    player.close();
}

#[test]
fn a_discontinuity_displays_what_is_there_and_starts_anew() {
    let (_turn, _gpu) = common::driver();
    let (cuda, cuvid) = (cuda::open(), nvcuvid::open());
    let _context = cuda.context();
    let player = Player::new(&cuvid, 12, 1);
    let packets = packets(10);
    packets.iter().for_each(|packet| assert_eq!(player.feed(packet, 0, None), 0));
    assert!(player.displayed().len() < 11);
    assert_eq!(player.feed(&packets[0], DISCONTINUITY, Some(77)), 0);
    assert_eq!(player.displayed().len(), 11);
    assert_eq!(player.feed(&[], END_OF_STREAM, None), 0);
    assert_eq!(player.displayed().last().map(|(_, stamp)| *stamp), Some(77));
    player.close();
}

#[test]
fn a_callback_that_says_no_ends_the_packet() {
    let (_turn, gpu) = common::driver();
    let (cuda, cuvid) = (cuda::open(), nvcuvid::open());
    let _context = cuda.context();
    let player = Player::new(&cuvid, 0, 1);
    player.answer.set(0);
    let whole = packets(10).concat();
    // As FFmpeg found of the driver, the call itself succeeds: the program knows what it said.
    assert_eq!(player.feed(&whole, 0, None), 0);
    assert!(matches!(player.events()[..], [Event::Sequence(_)]), "{:?}", player.events());
    assert_eq!(gpu.ledger().violations, [""; 0]);
    player.close();
}

#[test]
fn too_few_surfaces_are_noted() {
    let (_turn, gpu) = common::driver();
    let (cuda, cuvid) = (cuda::open(), nvcuvid::open());
    let _context = cuda.context();
    let player = Player::new(&cuvid, 3, 1);
    assert_eq!(player.feed(&packets(20).concat(), END_OF_STREAM, None), 0);
    let violations = gpu.ledger().violations;
    assert!(
        matches!(&violations[..], [one] if one.contains("3 decode surfaces, the sequence needs 7")),
        "{violations:?}"
    );
    player.close();
}

#[test]
fn other_codecs_have_no_parser() {
    let (_turn, gpu) = common::driver();
    let cuvid = nvcuvid::open();
    let mut parser = 0;
    assert_eq!(cuvid.parser_create(&mut parser, &Fields::new().with(0, HEVC).with(4, 8)), NOT_SUPPORTED);
    assert_eq!(cuvid.parser_create(&mut parser, std::ptr::null()), INVALID_VALUE);
    assert_eq!(parser, 0);
    assert!(gpu.ledger().is_empty());
}

#[test]
fn a_parser_is_not_used_after_its_end_nor_inside_itself() {
    let (_turn, gpu) = common::driver();
    let (cuda, cuvid) = (cuda::open(), nvcuvid::open());
    let _context = cuda.context();
    let player = Player::new(&cuvid, 0, 1);
    player.inside.set(|player| assert_eq!(player.feed(&[], END_OF_STREAM, None), INVALID_HANDLE));
    assert_eq!(player.feed(&packets(0)[0], END_OF_STREAM, None), 0);
    assert!(gpu.ledger().violations[0].contains("at work"), "{:?}", gpu.ledger().violations);
    assert_eq!(player.displayed().len(), 1, "the packet went on");
    // Destroyed by its own callback, it ends with the packet.
    player.inside.set(|player| assert_eq!(player.cuvid.parser_destroy(player.parser.get()), 0));
    gpu.reset_counters();
    assert_eq!(player.feed(&packets(0)[0], END_OF_STREAM, None), 0);
    assert_eq!(gpu.ledger().violations, [""; 0]);
    assert_eq!(player.feed(&[], END_OF_STREAM, None), INVALID_HANDLE);
    assert_eq!(cuvid.parser_destroy(player.parser.get()), INVALID_HANDLE);
    assert_eq!(gpu.ledger().violations.len(), 2);
    assert_eq!(gpu.ledger().live.get("parser"), None);
}

#[test]
fn what_is_no_h264_is_no_picture() {
    let (_turn, gpu) = common::driver();
    let (cuda, cuvid) = (cuda::open(), nvcuvid::open());
    let _context = cuda.context();
    let player = Player::new(&cuvid, 12, 1);
    let noise: Vec<u8> = (0..20_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert_eq!(player.feed(&noise, 0, None), 0);
    assert_eq!(player.feed(&[0, 0, 1], 0, None), 0);
    assert_eq!(player.feed(&[0, 0, 0, 1, 0x65, 0x88], 0, None), 0, "a slice without parameter sets");
    assert_eq!(player.feed(&[], END_OF_STREAM, None), 0);
    assert_eq!(player.events(), []);
    assert_eq!(
        cuvid.parse(player.parser.get(), &Fields::new().with(8, 10_u64)),
        INVALID_VALUE,
        "no payload, 10 bytes long"
    );
    assert_eq!(gpu.ledger().violations, [""; 0]);
    player.close();
}
