//! Compressed data without a container: bytes cut anywhere become packets, packets are changed, and go out as bytes.

#[path = "files/tools.rs"]
mod tools;

mod support;

use avsluice::{
    BitstreamFilter, Decoder, Demuxer, Encoder, ErrorKind, Format, FramePool, Limit, Muxer, Packet, Parser,
    PixelFormat, Result, Stream, System, TimeBase, mpeg4, x264,
};
use media::Codec;
use std::{fs, io::Cursor};
use support::{md5, picture};
use tools::*;

const CLOCK: TimeBase = TimeBase::hz(90_000);

fn codec(stream: &media::Stream) -> Option<&'static str> {
    match stream.codec {
        Codec::H264 => Some("h264"),
        Codec::Hevc => Some("hevc"),
        _ => None, // these have no form without a container
    }
}

/// Pieces of sizes from 1 on that no picture has to do with.
fn pieces(bytes: &[u8], seed: usize) -> Vec<&[u8]> {
    let (mut rest, mut pieces, mut state) = (bytes, Vec::new(), seed);
    while !rest.is_empty() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (piece, behind) = rest.split_at((1 + (state >> 33) % 1500).min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

fn parse(parser: &mut Parser, bytes: &[u8], seed: usize) -> Vec<Packet> {
    let mut packets = Vec::new();
    for piece in pieces(bytes, seed) {
        packets.extend(parser.send(piece, None).unwrap().map(Result::unwrap));
    }
    packets.extend(parser.end().map(Result::unwrap));
    packets
}

#[test]
fn bytes_cut_anywhere_decode_to_the_published_hashes() {
    let mut streams = 0;
    for file in media::all() {
        let Some(codec) = codec(&file) else { continue };
        streams += 1;
        let bytes = fs::read(&file.path).unwrap();
        let stream = Stream::of_packets(codec, CLOCK).unwrap().with_frame_rate(25, 1);
        let mut parser = Parser::new(&stream).unwrap();
        // The parser goes on with another stream after the end of one.
        for seed in [1, 2] {
            let packets = parse(&mut parser, &bytes, seed);
            let mut decoder = Decoder::new(System, &stream).open().unwrap();
            let mut hashes = Vec::new();
            let mut keep = |frame: avsluice::Frame<'static, System>| {
                hashes.push(md5(&frame));
                Ok(())
            };
            for packet in packets {
                decoder.send(packet).unwrap().try_for_each(|frame| keep(frame?)).unwrap();
            }
            let report = decoder.flush().unwrap().finish(Limit::default(), keep).unwrap().free();
            assert_eq!(report.damaged, 0, "{}", file.name);
            assert!(hashes == file.frames, "{}: {} of {} frames", file.name, hashes.len(), file.frames.len());
        }
    }
    assert_eq!(streams, 12);
}

#[test]
fn a_picture_has_the_time_of_the_bytes_that_it_begins_in() {
    let units: Vec<_> = read_all(&bare_stream()).unwrap();
    let stream = Stream::of_packets("h264", CLOCK).unwrap();
    let mut parser = Parser::new(&stream).unwrap();
    let mut found = Vec::new();
    for (time, unit) in (0..).zip(&units) {
        found.extend(parser.send(unit.data(), Some(time * 3600)).unwrap().map(Result::unwrap));
    }
    found.extend(parser.end().map(Result::unwrap));
    assert_eq!(found.len(), units.len());
    for (index, packet) in found.iter().enumerate() {
        assert_eq!(packet.pts(), Some(index as i64 * 3600), "{index}");
        assert_eq!(packet.time_base(), Some(CLOCK));
        assert_eq!(packet.is_keyframe(), units[index].is_keyframe(), "{index}");
    }
}

#[test]
fn bytes_that_are_no_pictures_are_passed_over() {
    let stream = Stream::of_packets("h264", CLOCK).unwrap();
    let mut parser = Parser::new(&stream).unwrap();
    let mut decoder = Decoder::new(System, &stream).open().unwrap();
    let mut noise: Vec<u8> = (0..200_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    noise.chunks_mut(1000).for_each(|unit| unit[..4].copy_from_slice(&[0, 0, 1, 0x65]));
    for packet in parse(&mut parser, &noise, 3) {
        assert_eq!(decoder.send(packet).unwrap().map(Result::unwrap).count(), 0);
    }
    assert!(decoder.damaged() > 0);
    // And the parser goes on with what is one.
    assert_eq!(parse(&mut parser, &fs::read(bare_stream()).unwrap(), 4).len(), 250);
}

#[test]
fn what_cannot_be_parsed_is_refused_by_name() {
    let error = Stream::of_packets("h265000", CLOCK).unwrap_err();
    assert!(error.to_string().contains("`h265000`"), "{error}");
    let error = Stream::of_packets("h264", TimeBase { num: 0, den: 1 }).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidSetting { name: "time_base".into() });
    let error = Parser::new(&Stream::of_packets("opus", CLOCK).unwrap()).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unsupported, "{error}");
    let error = Parser::new(&Stream::of_packets("rawvideo", CLOCK).unwrap()).unwrap_err();
    assert!(error.to_string().contains("no parser for rawvideo"), "{error}");
}

#[test]
fn a_filter_makes_a_file_s_packets_a_bare_stream() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.mp4");
    remux(&bare_stream(), &path).unwrap();
    let mut input = Demuxer::open(&path).unwrap();
    let video = input.video().unwrap();
    let mut filter = BitstreamFilter::new("h264_mp4toannexb", &video).unwrap();
    let mut bytes = Vec::new();
    for packet in filter.packets(input.packets(&video)) {
        let packet = packet.unwrap();
        assert!(packet.data().starts_with(&[0, 0, 0, 1]) || packet.data().starts_with(&[0, 0, 1]));
        assert!(packet.time_base() == Some(video.time_base()) && packet.pts().is_some());
        bytes.extend(packet.data());
    }
    assert_eq!(slices(&bytes), slices(&fs::read(bare_stream()).unwrap()));
}

#[test]
fn filters_stand_in_a_chain_and_say_what_comes_out() {
    let mut input = Demuxer::open(bare_stream()).unwrap();
    let video = input.video().unwrap();
    assert_eq!(video.profile(), Some("Main"));
    let chain = "h264_metadata=level=5.1,filter_units=remove_types=6";
    let mut filter = BitstreamFilter::new(chain, &video).unwrap();
    assert_eq!((filter.stream().width(), filter.stream().codec()), (320, "h264"));
    let packets: Vec<_> = filter.packets(input.packets(&video)).map(Result::unwrap).collect();
    assert_eq!(packets.len(), 250);
    let first = packets[0].data();
    let unit = |number: u8| units(first).into_iter().find(|unit| unit[0] & 31 == number);
    assert_eq!(unit(7).expect("a sequence parameter set")[3], 51, "level_idc");
    assert!(packets.iter().all(|packet| units(packet.data()).iter().all(|unit| unit[0] & 31 != 6)), "SEI is left");
}

#[test]
fn a_filter_that_is_not_there_or_does_not_fit_is_refused() {
    let video = Demuxer::open(bare_stream()).unwrap().video().unwrap();
    let kind = |chain: &str| BitstreamFilter::new(chain, &video).unwrap_err();
    let error = kind("h264_mp4toanexb");
    assert_eq!(*error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("did you mean `h264_mp4toannexb`?"), "{error}");
    let error = kind("null,no_such");
    assert!(error.to_string().contains("`no_such`"), "{error}");
    let error = kind("h264_metadata=levell=4");
    assert_eq!(*error.kind(), ErrorKind::InvalidSetting { name: "bitstream filter".into() }, "{error:?}");
    assert!(error.to_string().contains("levell"), "{error}");
    assert!(kind("vp9_superframe").to_string().contains("vp9_superframe"));
    assert!(kind("").to_string().contains("bitstream filter"));
}

#[test]
fn a_filter_takes_nothing_after_its_end_and_everything_after_a_reset() {
    use avsluice::demux::Reset;
    let mut input = Demuxer::open(bare_stream()).unwrap();
    let video = input.video().unwrap();
    let mut filter = BitstreamFilter::new("null", &video).unwrap();
    let mut packets = input.packets(&video).map(Result::unwrap);
    let mut next = || packets.next().unwrap();
    assert_eq!(filter.send(next()).unwrap().count(), 1);
    // What is not taken is in the way of the next.
    drop(filter.send(next()).unwrap());
    let failed = filter.send(next()).unwrap_err();
    assert_eq!(*failed.kind(), ErrorKind::Full);
    assert!(!failed.into_value().data().is_empty(), "the packet comes back");
    assert_eq!(filter.end().unwrap().count(), 1);
    assert_eq!(*filter.send(next()).unwrap_err().kind(), ErrorKind::EndOfStream);
    filter.reset();
    assert_eq!(filter.send(next()).unwrap().count(), 1);
}

#[test]
fn packets_go_out_as_bytes_and_come_in_as_bytes() {
    // A streamer and its viewer, with nothing between them but bytes: no container, no parameter sets said beforehand.
    let format = Format { width: 160, height: 120, pixels: PixelFormat::Yuv420p };
    let pool = FramePool::new(System, format).unwrap();
    let options = x264::H264::new().preset(x264::Preset::Ultrafast).tune(x264::Tune::Zerolatency);
    let mut encoder = Encoder::new(&pool, TimeBase::hz(25), options).gop_size(10).open().unwrap();
    let headers = encoder.extradata().to_vec();
    assert!(headers.starts_with(&[0, 0, 0, 1]));
    let stream = Stream::of_packets("h264", TimeBase::hz(25)).unwrap();
    let mut viewer = Decoder::new(System, &stream).threads(1).open().unwrap();
    let (mut sent, mut shown, mut keys) = (0, Vec::new(), 0);
    for number in 0..30 {
        let mut frame = picture(format, number);
        frame.set_pts(number as i64);
        for packet in encoder.send(frame).unwrap() {
            let packet = packet.unwrap();
            keys += usize::from(packet.is_keyframe());
            assert_eq!(packet.data().starts_with(&headers), packet.is_keyframe(), "a viewer can join at each keyframe");
            sent += 1;
            let mut arrived = Packet::new(packet.data()).unwrap();
            arrived.set_pts(packet.pts().unwrap());
            shown.extend(viewer.send(arrived).unwrap().map(|frame| frame.unwrap().pts().unwrap()));
        }
    }
    assert_eq!((sent, keys), (30, 3));
    let mut rest = viewer.flush().unwrap();
    shown.extend(std::iter::from_fn(|| rest.receive().unwrap()).map(|frame| frame.pts().unwrap()));
    assert_eq!(shown, (0..30).collect::<Vec<_>>());
}

#[test]
fn packets_of_no_file_are_written_to_one() {
    let source: Vec<_> = {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("in.mp4");
        ffmpeg(&["-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=1", "-c:v", "mpeg4"], &path);
        read_all(&path).unwrap()
    };
    let pool = FramePool::new(System, Format { width: 160, height: 120, pixels: PixelFormat::Yuv420p }).unwrap();
    let encoder = Encoder::new(&pool, TimeBase::hz(25), mpeg4::Mpeg4::new()).open().unwrap();
    let stream = Stream::of_packets("mpeg4", TimeBase::hz(1000)).unwrap();
    let stream =
        stream.with_size(160, 120).unwrap().with_extradata(encoder.extradata()).unwrap().with_frame_rate(25, 1);
    let mut output = Muxer::to_write_seek("mp4", Cursor::new(Vec::new())).unwrap();
    let track = output.add_copy(&stream).unwrap();
    let mut output = output.open().unwrap();
    for (index, packet) in (0..).zip(&source) {
        let mut own = Packet::new(packet.data()).unwrap();
        own.set_time_base(TimeBase::hz(1000));
        own.set_pts(index * 40);
        own.set_dts(index * 40);
        own.set_duration(40);
        own.set_keyframe(packet.is_keyframe());
        output.write(track, own).unwrap();
    }
    let file: Cursor<Vec<u8>> = output.finish_into().unwrap();
    let mut input = Demuxer::from_read_seek(file).unwrap();
    let video = input.video().unwrap();
    assert_eq!((video.width(), video.height(), video.frame_rate()), (160, 120, Some((25, 1))));
    let found: Vec<_> = input.packets(&video).map(Result::unwrap).collect();
    let facts = |packets: &[Packet]| {
        packets.iter().map(|packet| (packet.data().to_vec(), packet.is_keyframe())).collect::<Vec<_>>()
    };
    assert!(facts(&found) == facts(&source));
    let times: Vec<_> = found.iter().map(|packet| video.time_base().seconds(packet.pts().unwrap())).collect();
    assert!((0..).zip(times).all(|(index, time)| (time - f64::from(index) * 0.04).abs() < 1e-3));
}

/// More than FFmpeg can count: without a picture it is passed over, and what follows is parsed.
#[test]
fn bytes_without_end_are_no_picture() {
    let stream = Stream::of_packets("h264", TimeBase::hz(25)).unwrap();
    let mut parser = Parser::new(&stream).unwrap();
    let noise = vec![0xff; 150 << 20];
    let first: Vec<_> = parser.send(&noise, None).unwrap().collect();
    assert!(first.is_empty(), "they may belong to one picture");
    let second: Vec<_> = parser.send(&noise, None).unwrap().collect();
    assert!(matches!(&second[..], [Err(error)] if *error.kind() == ErrorKind::InvalidData), "{second:?}");
    let file = std::fs::read(media::standard().path).unwrap();
    let mut pictures = parser.send(&file, None).unwrap().filter(Result::is_ok).count();
    pictures += parser.end().filter(Result::is_ok).count();
    assert_eq!(pictures, 250);
}
