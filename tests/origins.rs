//! Packets know what made them (h69): a track, a decoder or a filter takes those of its own stream, and others on the application's word alone.

#[path = "files/tools.rs"]
mod tools;

use avsluice::{
    BitstreamFilter, Decoder, Demuxer, Encoder, Error, ErrorKind, Format, FramePool, Muxer, Packet, Parser,
    PixelFormat, Stream, System, TimeBase, mpeg4, x264,
};
use std::io::Cursor;
use tempfile::tempdir;
use tools::*;

const FORMAT: Format = Format { width: 160, height: 120, pixels: PixelFormat::Yuv420p };

fn is_wrong_stream(error: &Error) {
    assert_eq!(*error.kind(), ErrorKind::WrongStream, "{error}");
    assert!(error.explanation().unwrap().contains("Packet::trusted"), "what to do: {error}");
}

fn encoder(pool: &FramePool<'static, System>) -> Encoder<'static, System> {
    Encoder::new(pool, TimeBase::hz(25), mpeg4::Mpeg4::new()).open().unwrap()
}

fn encoded(encoder: &mut Encoder<'static, System>, pool: &FramePool<'static, System>, pts: i64) -> Packet {
    let mut frame = pool.frame().unwrap();
    frame.set_pts(pts);
    encoder.send(frame).unwrap().next().expect("an encoder without delay").unwrap()
}

#[test]
fn h69_two_encoders_packets_cannot_be_swapped() {
    let pool = FramePool::new(System, FORMAT).unwrap();
    let (mut one, mut other) = (encoder(&pool), encoder(&pool));
    let mut output = Muxer::to_write_seek("mp4", Cursor::new(Vec::new())).unwrap();
    let tracks = [output.add(&one).unwrap(), output.add(&other).unwrap()];
    let mut output = output.open().unwrap();
    for pts in 0..3 {
        let (of_one, of_other) = (encoded(&mut one, &pool, pts), encoded(&mut other, &pool, pts));
        let shared = of_other.try_clone().unwrap();
        let error = output.write(tracks[0], shared).unwrap_err();
        is_wrong_stream(&error);
        assert!(error.explanation().unwrap().contains("another encoder (mpeg4), and track 0"), "{error}");
        is_wrong_stream(&output.write(tracks[1], of_one.try_clone().unwrap()).unwrap_err());
        output.write(tracks[0], of_one).unwrap();
        output.write(tracks[1], of_other).unwrap();
    }
    // The word of the application: an encoder that takes the first one's place.
    let mut next = encoder(&pool);
    let packet = encoded(&mut next, &pool, 3);
    is_wrong_stream(&output.write(tracks[0], packet.try_clone().unwrap()).unwrap_err());
    output.write(tracks[0], packet.trusted()).unwrap();
    let report = output.finish().unwrap();
    assert_eq!(tracks.map(|track| report.track(track).unwrap().packets), [4, 3]);
}

#[test]
fn h69_another_demuxers_and_an_encoders_packets_do_not_get_into_a_copied_track() {
    let dir = tempdir().unwrap();
    let path = sound_and_picture(dir.path(), "in.mkv");
    let (mut input, mut other) = (Demuxer::open(&path).unwrap(), Demuxer::open(&path).unwrap());
    let [video, sound] = [0, 1].map(|index| input.streams()[index].clone());
    let mut output = Muxer::to_write("matroska", std::io::sink()).unwrap();
    let (picture_track, sound_track) = (output.add_copy(&video).unwrap(), output.add_copy(&sound).unwrap());
    let mut output = output.open().unwrap();
    is_wrong_stream(&output.write(picture_track, other.read().unwrap().unwrap()).unwrap_err());
    let pool = FramePool::new(System, FORMAT).unwrap();
    let packet = encoded(&mut encoder(&pool), &pool, 0);
    is_wrong_stream(&output.write(picture_track, packet).unwrap_err());
    let mut written = 0;
    while let Some(packet) = input.read().unwrap() {
        let (own, wrong) =
            if packet.stream() == 0 { (picture_track, sound_track) } else { (sound_track, picture_track) };
        is_wrong_stream(&output.write(wrong, packet.try_clone().unwrap()).unwrap_err());
        output.write(own, packet).unwrap();
        written += 1;
    }
    // The same stream with other facts is the same stream.
    let mut same = Muxer::to_write("matroska", std::io::sink()).unwrap();
    let track = same.add_copy(&video.with_size(320, 240).unwrap().with_frame_rate(50, 1)).unwrap();
    let mut same = same.open().unwrap();
    let mut again = Demuxer::open(&path).unwrap();
    is_wrong_stream(&same.write(track, again.read().unwrap().unwrap()).unwrap_err());
    assert_eq!(output.finish().unwrap().tracks.iter().map(|track| track.packets).sum::<u64>(), written);
}

#[test]
fn h69_sound_does_not_get_into_a_video_decoder_and_comes_back() {
    let dir = tempdir().unwrap();
    let mut input = Demuxer::open(sound_and_picture(dir.path(), "in.mkv")).unwrap();
    let video = input.video().unwrap();
    let mut decoder = Decoder::new(System, &video).threads(1).open().unwrap();
    let (mut frames, mut refused) = (0, 0);
    while let Some(packet) = input.read().unwrap() {
        let (index, bytes) = (packet.stream(), packet.data().len());
        match decoder.send(packet) {
            Ok(ready) => frames += ready.map(Result::unwrap).count(),
            Err(failed) => {
                is_wrong_stream(failed.error());
                assert!(failed.to_string().contains("stream 1 (aac)"), "{failed}");
                assert_eq!((index, failed.into_value().data().len()), (1, bytes));
                refused += 1;
            }
        }
    }
    assert!(frames > 40 && refused > 40 && decoder.damaged() == 0, "{frames} {refused}");
    // The next file of the same format.
    let mut next = Demuxer::open(sound_and_picture(dir.path(), "next.mkv")).unwrap();
    let packet = next.read().unwrap().unwrap();
    let failed = decoder.send(packet).unwrap_err();
    is_wrong_stream(failed.error());
    decoder.send(failed.into_value().trusted()).unwrap().for_each(|frame| drop(frame.unwrap()));
}

#[test]
fn h69_filtered_and_unfiltered_packets_are_told_apart() {
    let dir = tempdir().unwrap();
    let source = dir.path().join("in.mp4");
    remux(&bare_stream(), &source).unwrap();
    let mut input = Demuxer::open(&source).unwrap();
    let video = input.video().unwrap();
    let mut filter = BitstreamFilter::new("h264_mp4toannexb", &video).unwrap();
    let mut output = Muxer::to_write("h264", std::io::sink()).unwrap();
    let track = output.add_copy(filter.stream()).unwrap();
    let mut output = output.open().unwrap();
    let mut decoder = Decoder::new(System, &video).open().unwrap();
    let packet = input.read().unwrap().unwrap();
    let error = output.write(track, packet.try_clone().unwrap()).unwrap_err();
    is_wrong_stream(&error);
    assert!(error.explanation().unwrap().contains("through the filter first"), "{error}");
    for filtered in filter.send(packet).unwrap() {
        let filtered = filtered.unwrap();
        let failed = decoder.send(filtered.try_clone().unwrap()).unwrap_err();
        is_wrong_stream(failed.error());
        assert!(failed.to_string().contains("stream()"), "{failed}");
        output.write(track, filtered).unwrap();
    }
    // Another demuxer's packets do not go in.
    let mut other = Demuxer::open(&source).unwrap();
    let failed = filter.send(other.read().unwrap().unwrap()).unwrap_err();
    is_wrong_stream(failed.error());
    assert!(!failed.into_value().data().is_empty(), "the packet comes back");
    // From the filter's own stream into a decoder for it.
    let mut decoder = Decoder::new(System, filter.stream()).open().unwrap();
    for packet in filter.packets(input.packets(&video)).take(5) {
        decoder.send(packet.unwrap()).unwrap().for_each(|frame| drop(frame.unwrap()));
    }
    output.finish().unwrap();
}

#[test]
fn h69_a_parsers_packets_are_of_the_stream_that_it_was_made_for() {
    let stream = Stream::of_packets("h264", TimeBase::hz(25)).unwrap();
    let other = Stream::of_packets("h264", TimeBase::hz(25)).unwrap();
    let mut parser = Parser::new(&stream).unwrap();
    let bytes = std::fs::read(short_stream()).unwrap();
    let mut packets: Vec<_> = parser.send(&bytes, None).unwrap().map(Result::unwrap).collect();
    packets.extend(parser.end().map(Result::unwrap));
    assert!(!packets.is_empty());
    let mut decoders = [&stream, &other].map(|stream| Decoder::new(System, stream).open().unwrap());
    for packet in packets {
        is_wrong_stream(decoders[1].send(packet.try_clone().unwrap()).unwrap_err().error());
        decoders[0].send(packet).unwrap().for_each(|frame| drop(frame.unwrap()));
    }
    // With other parameter sets it is the same stream, and the application's own packet goes everywhere.
    let mut same = Decoder::new(System, &stream.with_extradata(&[0, 0, 0, 1, 9, 16]).unwrap()).open().unwrap();
    let mut parser = Parser::new(&stream).unwrap();
    parser.send(&bytes, None).unwrap().for_each(drop);
    same.send(parser.end().next().unwrap().unwrap()).unwrap().for_each(drop);
    same.send(Packet::new(&bytes).unwrap()).unwrap().for_each(drop);
}

#[test]
fn an_encoders_packets_go_into_the_decoder_of_a_described_stream_when_they_are_trusted() {
    let pool = FramePool::new(System, FORMAT).unwrap();
    let options = x264::H264::new().tune(x264::Tune::Zerolatency);
    let mut encoder = Encoder::new(&pool, TimeBase::hz(25), options).open().unwrap();
    let stream = Stream::of_packets("h264", TimeBase::hz(25)).unwrap();
    let mut decoder = Decoder::new(System, &stream).threads(1).open().unwrap();
    let packet = encoded(&mut encoder, &pool, 0);
    let failed = decoder.send(packet).unwrap_err();
    is_wrong_stream(failed.error());
    let shown = decoder.send(failed.into_value().trusted()).unwrap().map(Result::unwrap).count();
    let mut rest = decoder.flush().unwrap();
    assert_eq!(shown + std::iter::from_fn(|| rest.receive().unwrap()).count(), 1);
}
