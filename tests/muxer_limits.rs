//! What FFmpeg's muxers crash on is refused, and no more than that. Each part runs in a process of its own.

mod support;

use avsluice::{Demuxer, Error, ErrorKind, Muxer, Packet, Stream, TimeBase, mux::Fragments};
use std::{io::Cursor, net::UdpSocket};
use support::{codecs, isolated};

const HALF: i64 = i64::MAX / 2;
const LAST: i64 = 1 << 61;
const TIMES: [i64; 11] =
    [i64::MIN + 1, -HALF, -LAST - 1, -LAST, -324_000_000, 0, 324_000_000, LAST, LAST + 1, HALF, i64::MAX];

fn stream(codec: &str) -> Stream {
    Stream::of_packets(codec, TimeBase::hz(90_000)).unwrap().with_size(64, 64).unwrap().with_frame_rate(25, 1)
}

fn packet(pts: i64, dts: i64, duration: i64) -> Packet {
    let mut packet = Packet::new(&[0, 0, 0, 1, 0x65, 1, 2, 3, 4, 5, 6, 7, 8, 9]).unwrap();
    packet.set_pts(pts);
    packet.set_dts(dts);
    packet.set_duration(duration);
    packet.set_keyframe(true);
    packet
}

/// Writes packets with these times and finishes; the result of each write.
fn write(format: &str, codec: &str, times: &[[i64; 3]]) -> Vec<Result<(), Error>> {
    let mut output = Muxer::to_write_seek(format, Cursor::new(Vec::new())).unwrap();
    if format == "mp4" {
        output.fragmented(Fragments::EachPacket);
    }
    let track = output.add_copy(&stream(codec)).unwrap();
    let mut output = output.open().unwrap();
    let results = times.iter().map(|&[pts, dts, duration]| output.write(track, packet(pts, dts, duration))).collect();
    // Whether there is something to play is not the question here.
    let _ = output.finish();
    results
}

fn is_refused(result: &Result<(), Error>, setting: &str) -> bool {
    result.as_ref().is_err_and(|error| *error.kind() == ErrorKind::InvalidSetting { name: setting.into() })
}

#[test]
fn extreme_times_neither_abort_nor_hang_any_muxer() {
    isolated("extreme_times_neither_abort_nor_hang_any_muxer", || {
        for (format, codec) in [
            ("asf", "mpeg4"),
            ("nut", "mpeg4"),
            ("mp4", "mpeg4"),
            ("ismv", "mpeg4"),
            ("dvd", "mpeg2video"),
            ("vob", "mpeg2video"),
            ("mpeg", "mpeg1video"),
            ("svcd", "mpeg2video"),
            ("vcd", "mpeg1video"),
            ("avi", "mpeg4"),
            ("matroska", "mpeg4"),
            ("flv", "flv1"),
            ("mpegts", "mpeg2video"),
            ("wtv", "mpeg2video"),
        ] {
            for (index, &time) in TIMES.iter().enumerate() {
                println!("{format} {time}");
                let beyond = time.unsigned_abs() > LAST.unsigned_abs();
                let results = write(format, codec, &[[time, time, 1], [0, 0, 1], [3600, 3600, 1]]);
                assert!(!beyond || is_refused(&results[0], "pts"), "{format} {time}: {results:?}");
                write(format, codec, &[[0, 0, 1], [time, time, 1], [time, time, 3600]]);
                write(format, codec, &[[TIMES[TIMES.len() - 1 - index], time, 1], [time, 40, 1], [80, 80, 1]]);
                let results = write(format, codec, &[[0, 0, time], [40, 40, time], [80, 80, 1]]);
                assert!(!beyond || time < 0 || is_refused(&results[0], "duration"), "{format} {time}: {results:?}");
            }
        }
    });
}

/// Writes packets with these times to the tracks of a dash output, and finishes it.
fn dash(codecs: &[&str], clock: TimeBase, packets: &[(usize, [i64; 3])]) -> Result<(), Error> {
    let video = |codec: &&str| Stream::of_packets(codec, clock).unwrap().with_size(64, 64).unwrap();
    let packets: Vec<_> = packets.iter().map(|&(track, times)| (track, times, true)).collect();
    dash_of(&codecs.iter().map(video).collect::<Vec<_>>(), clock, &packets)
}

/// The same of streams, and which packets are keyframes.
fn dash_of(streams: &[Stream], clock: TimeBase, packets: &[(usize, [i64; 3], bool)]) -> Result<(), Error> {
    println!("{streams:?} {clock} {packets:?}");
    let dir = tempfile::tempdir().unwrap();
    let mut output = Muxer::create_as("dash", dir.path().join("out.mpd")).unwrap();
    let tracks: Vec<_> = streams.iter().map(|stream| output.add_copy(stream).unwrap()).collect();
    let mut output = output.open().unwrap();
    for &(track, [pts, dts, duration], is_key) in packets {
        let mut packet = packet(pts, dts, duration);
        packet.set_time_base(clock);
        packet.set_keyframe(is_key);
        output.write(tracks[track], packet)?;
    }
    output.finish().map(drop)
}

fn is_invalid(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidSetting { .. })
}

/// A segment begins where all before it has ended, and may end there as well.
#[test]
fn a_segment_that_lasts_no_time_is_no_division_by_zero() {
    isolated("a_segment_that_lasts_no_time_is_no_division_by_zero", || {
        const FAR: i64 = 40_000_000;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sound.mp4");
        codecs::ffmpeg(&["-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac"], &file);
        let sound = Demuxer::open(&file).unwrap().streams()[0].clone();
        let video = Stream::of_packets("vp8", TimeBase::hz(25)).unwrap().with_size(64, 64).unwrap();
        let later = [[0, 0, FAR], [200, 200, 1], [400, 400, 1]];
        let on = |track: usize| later.map(|times| (track, times));
        dash(&["vp8"], TimeBase::hz(25), &on(0)).unwrap();
        dash(&["vp8", "vp8"], TimeBase::hz(25), &[&[(0, [0, 0, 1])][..], &on(1)].concat()).unwrap();
        // Any times: a source of chance that is the same each time.
        let mut state = 1_u64;
        let mut below = |end: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            i64::try_from((state >> 33) % end).unwrap()
        };
        for round in 0..300 {
            let tracks = if round % 3 == 0 { 2 } else { 1 };
            let mut dts = [0; 2];
            let packets: Vec<_> = (0..1 + below(7))
                .map(|_| {
                    let track = usize::try_from(below(tracks)).unwrap();
                    dts[track] += 1 + below(300);
                    let ahead = if below(3) == 0 { below(50_000_000) } else { below(4) };
                    let duration = if below(4) == 0 { below(FAR as u64) } else { below(3) };
                    (track, [dts[track] + ahead, dts[track], duration], below(2) == 0)
                })
                .collect();
            let first = if round % 5 == 0 { &sound } else { &video };
            let streams = [first.clone(), video.clone()];
            let ended = dash_of(&streams[..usize::try_from(tracks).unwrap()], TimeBase::hz(25), &packets);
            if let Err(error) = ended {
                assert!(*error.kind() == ErrorKind::NoPackets || is_invalid(&error), "{error}");
            }
        }
    });
}

/// dash takes its length from its first track.
#[test]
fn a_track_that_lasts_no_time_is_no_division_by_zero() {
    isolated("a_track_that_lasts_no_time_is_no_division_by_zero", || {
        for clock in [TimeBase::hz(90_000), TimeBase::hz(1_000_000_000), TimeBase::hz(1)] {
            for times in [&[[0, 0, 0]][..], &[[7, 7, 1]], &[[0, 0, 0], [1, 1, 0]]] {
                let packets: Vec<_> = times.iter().map(|times| (0, *times)).collect();
                dash(&["vp8"], clock, &packets).unwrap();
                // No picture of VP9: FFmpeg waits for one, and drops it at the end.
                let ended = dash(&["vp9"], clock, &packets);
                assert!(ended.is_ok() || ended.is_err_and(|error| *error.kind() == ErrorKind::NoPackets));
            }
            // The first track stays empty.
            let ended = dash(&["vp8", "vp8"], clock, &[(1, [0, 0, 1])]);
            assert_eq!(*ended.unwrap_err().kind(), ErrorKind::NoPackets);
            assert_eq!(*dash(&["vp8"], clock, &[]).unwrap_err().kind(), ErrorKind::NoPackets);
            dash(&["vp8", "vp8"], clock, &[(0, [0, 0, 1])]).unwrap();
        }
    });
}

#[test]
fn times_of_a_day_are_taken() {
    let day = 24 * 3600 * 90_000;
    for (format, codec) in [("mp4", "mpeg4"), ("nut", "mpeg4"), ("matroska", "mpeg4"), ("mpegts", "mpeg2video")] {
        let results = write(format, codec, &[[0, 0, 3600], [day, day, 3600], [day + 3600, day + 3600, 3600]]);
        assert!(results.iter().all(Result::is_ok), "{format}: {results:?}");
    }
}

#[test]
fn what_an_iso_file_has_31_bits_for_is_refused_before_it_spoils_the_muxer() {
    isolated("what_an_iso_file_has_31_bits_for_is_refused_before_it_spoils_the_muxer", || {
        let most = i64::from(i32::MAX);
        for format in ["mp4", "ismv"] {
            // A packet that FFmpeg itself refuses, and the next one then aborted.
            let results = write(format, "mpeg4", &[[0, 0, 1 << 40], [1 << 50, 1 << 50, 1], [2, 2, 1]]);
            assert!(is_refused(&results[0], "duration") && results[1].is_ok(), "{format}: {results:?}");
            let results = write(format, "mpeg4", &[[1 << 36, -(1 << 50), 1], [-(1 << 32), 455_385_509, 1]]);
            assert!(is_refused(&results[0], "pts"), "{format}: {results:?}");
        }
        let mut ticks = Muxer::to_write_seek("ismv", Cursor::new(Vec::new())).unwrap();
        let track =
            ticks.add_copy(&Stream::of_packets("mpeg4", TimeBase::hz(10_000_000)).unwrap().with_size(64, 64).unwrap());
        let (track, mut ticks) = (track.unwrap(), ticks.open().unwrap());
        assert!(is_refused(&ticks.write(track, packet(most, 0, 1)), "pts"));
        ticks.write(track, packet(most - 1, 0, 1)).unwrap();
        ticks.write(track, packet(100, 100, 1)).unwrap();
        ticks.finish().unwrap();
    });
}

/// Formats that write MP4 within their own.
#[test]
fn what_an_iso_file_has_31_bits_for_is_refused_inside_of_other_formats_too() {
    isolated("what_an_iso_file_has_31_bits_for_is_refused_inside_of_other_formats_too", || {
        let dir = tempfile::tempdir().unwrap();
        let h264 = Demuxer::open(media::standard().path).unwrap().video().unwrap();
        for (format, name, option) in [
            ("dash", "out.mpd", None),
            ("hls", "out.m3u8", Some(("hls_segment_type", "fmp4"))),
            ("segment", "out%03d.mp4", None),
            ("stream_segment", "out%03d.mp4", Some(("segment_format", "mp4"))),
        ] {
            let mut output = Muxer::create_as(format, dir.path().join(name)).unwrap();
            option.iter().for_each(|(option, value)| {
                output.option(option, value);
            });
            let track = output.add_copy(&h264).unwrap();
            let mut output = output.open().unwrap();
            let long = packet(0, 0, 1 << 40);
            assert!(is_refused(&output.write(track, long), "duration"), "{format}");
            let far = packet(1 << 40, 0, 1);
            assert!(is_refused(&output.write(track, far), "pts"), "{format}");
        }
    });
}

/// What a packet does not say goes on from the one before, and may so become too far.
#[test]
fn times_that_are_worked_out_are_bounded_as_those_that_are_said() {
    isolated("times_that_are_worked_out_are_bounded_as_those_that_are_said", || {
        let without_times = || {
            let mut packet = Packet::new(&[0, 0, 1, 0xb6, 1, 2, 3, 4]).unwrap();
            packet.set_duration(3600);
            packet
        };
        for format in ["nut", "matroska", "mpegts", "asf"] {
            let codec = if format == "mpegts" { "mpeg2video" } else { "mpeg4" };
            let mut output = Muxer::to_write_seek(format, Cursor::new(Vec::new())).unwrap();
            let track = output.add_copy(&stream(codec)).unwrap();
            let mut output = output.open().unwrap();
            let first = output.write(track, packet(LAST - 10_000, LAST - 10_000, 3600));
            let results: Vec<_> = (0..400).map(|_| output.write(track, without_times())).collect();
            assert!(results.iter().any(|result| is_refused(result, "pts")), "{format}: {first:?} {:?}", results.last());
        }
    });
}

#[test]
fn an_output_without_a_packet_is_an_error_of_finish_and_has_its_trailer() {
    isolated("an_output_without_a_packet_is_an_error_of_finish_and_has_its_trailer", || {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.mp4", "a.mkv", "a.ts", "a.avi", "a.flv", "a.nut", "a.wtv", "a.asf", "a.h264"] {
            let path = dir.path().join(name);
            let mut output = Muxer::create(&path).unwrap();
            let codec = match name {
                "a.h264" => "h264",
                "a.flv" => "flv1",
                _ => "mpeg4",
            };
            output.add_copy(&stream(codec)).unwrap();
            let error = output.open().unwrap().finish().unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::NoPackets, "{name}: {error}");
            assert!(error.explanation().unwrap().contains(name), "{error}");
        }
        let written = std::fs::read(dir.path().join("a.mp4")).unwrap();
        assert!(written.windows(4).any(|word| word == b"moov"), "MP4's trailer");
        // The same with AVIF, whose trailer crashes where the pixel format is not known: such a track is refused.
        let av1 = media::all().into_iter().find(|stream| stream.name == "test-25fps.ivf.av1").unwrap();
        let mut input = Demuxer::open(av1.path).unwrap();
        let video = input.video().unwrap();
        assert_eq!(video.pixel_format(), Some("yuv420p"));
        let open = || {
            let mut output = Muxer::to_write_seek("avif", Cursor::new(Vec::new())).unwrap();
            let track = output.add_copy(&video).unwrap();
            (track, output.open().unwrap())
        };
        assert_eq!(*open().1.finish().unwrap_err().kind(), ErrorKind::NoPackets);
        let (track, mut output) = open();
        output.write(track, input.read().unwrap().unwrap()).unwrap();
        let picture: Cursor<Vec<u8>> = output.finish_into().unwrap();
        assert!(picture.get_ref().windows(4).any(|word| word == b"mdat"), "a picture is written all the same");
        let mut output = Muxer::to_write_seek("avif", Cursor::new(Vec::new())).unwrap();
        let error = output.add_copy(&stream("av1")).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Unsupported);
        assert!(error.explanation().unwrap().contains("pixel format"), "{error}");
    });
}

#[test]
fn vc1test_without_parameter_sets_is_refused() {
    isolated("vc1test_without_parameter_sets_is_refused", || {
        let mut output = Muxer::to_write_seek("vc1test", Cursor::new(Vec::new())).unwrap();
        let error = output.add_copy(&stream("wmv3")).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Unsupported, "{error}");
        let track = output.add_copy(&stream("wmv3").with_extradata(&[0; 4]).unwrap()).unwrap();
        let mut output = output.open().unwrap();
        output.write(track, packet(0, 0, 1)).unwrap();
        output.finish().unwrap();
    });
}

#[test]
fn small_rtp_packets_are_refused_by_option_and_by_url() {
    isolated("small_rtp_packets_are_refused_by_option_and_by_url", || {
        let other = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = other.local_addr().unwrap().port();
        let open = |size: Option<&str>, query: &str| {
            let mut output = Muxer::create_as("rtp", format!("rtp://127.0.0.1:{port}{query}")).unwrap();
            if let Some(size) = size {
                output.option("packetsize", size);
            }
            let track = output.add_copy(&stream("mpeg4")).unwrap();
            output.open().map(|output| (output, track)).map_err(Error::from)
        };
        for (size, query) in [
            (Some("13"), ""),
            (Some("255"), ""),
            (Some("0x14"), ""),
            (None, "?pkt_size=20"),
            (Some("500"), "?pkt_size=20"),
        ] {
            let error = open(size, query).map(drop).unwrap_err();
            assert_eq!(
                *error.kind(),
                ErrorKind::InvalidSetting { name: "packetsize".into() },
                "{size:?} {query}: {error}"
            );
        }
        for (size, query) in [(Some("256"), ""), (None, ""), (None, "?pkt_size=256")] {
            let (mut output, track) = open(size, query).unwrap();
            output.write(track, packet(0, 0, 3600)).unwrap();
            output.finish().unwrap();
        }
    });
}
