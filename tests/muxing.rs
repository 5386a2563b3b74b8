//! Writing files: what goes wrong gives the muxer back or names the file, and what an encoder makes can be played.

#[path = "files/tools.rs"]
mod tools;

use avsluice::{
    Demuxer, Encoder, ErrorKind, Format, Frame, FramePool, Limit, Muxer, Packet, PixelFormat, System, TimeBase, Track,
    mpeg4, x264,
};
use std::{fs, io, path::Path, sync::Mutex};
use tempfile::tempdir;
use tools::*;

#[test]
fn a_name_without_a_known_container_is_refused_and_told_what_to_use() {
    for name in ["out", "out.xyz", "out."] {
        let error = Muxer::create(name).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Unsupported, "{name}");
        assert!(error.explanation().unwrap().contains(".mkv"), "{error}");
    }
    let error = Muxer::create("a\0.mp4").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidSetting { .. }), "{error}");
}

#[test]
fn what_a_container_cannot_hold_is_refused_before_a_file_exists() {
    let dir = tempdir().unwrap();
    let source = sound_and_picture(dir.path(), "source.mkv");
    let input = Demuxer::open(&source).unwrap();
    let [picture, sound] = input.streams() else { panic!("two streams") };
    for (name, stream) in [("a.webm", picture), ("b.h264", sound), ("c.hevc", picture), ("d.wav", picture)] {
        let path = dir.path().join(name);
        let error = Muxer::create(&path).unwrap().add_copy(stream).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Unsupported, "{name}");
        assert!(error.explanation().unwrap().contains(stream.codec()), "{error}");
        assert!(!path.exists());
    }
    let video = Demuxer::open(bare_stream()).unwrap().video().unwrap();
    let mut bare = Muxer::create(dir.path().join("e.h264")).unwrap();
    bare.add_copy(&video).unwrap();
    assert_eq!(*bare.add_copy(&video).unwrap_err().kind(), ErrorKind::Unsupported, "a bare stream of two");
}

#[test]
fn a_muxer_that_fails_to_open_comes_back_and_opens_later() {
    let dir = tempdir().unwrap();
    let folder = dir.path().join("later");
    let mut input = Demuxer::open(bare_stream()).unwrap();
    let video = input.video().unwrap();
    let mut output = Muxer::create(folder.join("out.mp4")).unwrap();

    let failed = output.open().unwrap_err();
    assert!(matches!(failed.kind(), ErrorKind::InvalidSetting { .. }), "{failed}");
    output = failed.into_value();
    let track = output.add_copy(&video).unwrap();

    let failed = output.open().unwrap_err();
    assert_eq!(*failed.kind(), ErrorKind::Io(io::ErrorKind::NotFound));
    assert!(failed.to_string().contains("out.mp4"), "{failed}");

    fs::create_dir(&folder).unwrap();
    let mut output = failed.into_value().open().unwrap();
    input.packets(&video).try_for_each(|packet| output.write(track, packet?)).unwrap();
    output.finish().unwrap();
    assert_eq!(remux(&folder.join("out.mp4"), &folder.join("copy.mkv")).unwrap(), 250);
}

#[test]
fn a_header_that_fails_leaves_no_file_and_gives_the_muxer_back() {
    let dir = tempdir().unwrap();
    let source = dir.path().join("source.wav");
    ffmpeg(&["-f", "lavfi", "-i", "sine=d=1"], &source);
    let input = Demuxer::open(&source).unwrap();
    let path = dir.path().join("out.wav");
    let mut output = Muxer::create(&path).unwrap();
    // WAV has one stream, which FFmpeg says as late as when it writes the header.
    output.add_copy(&input.streams()[0]).unwrap();
    output.add_copy(&input.streams()[0]).unwrap();
    let failed = output.open().unwrap_err();
    assert_eq!(failed.error().operation(), "avformat_write_header");
    assert!(failed.to_string().contains("out.wav"), "{failed}");
    assert!(!path.exists(), "an empty file was left");
    let again = failed.into_value().open().unwrap_err();
    assert_eq!(again.error().operation(), "avformat_write_header");

    fs::write(&path, "somebody's").unwrap();
    assert!(again.into_value().open().is_err());
    assert!(path.exists(), "a file that was there before was removed");
}

#[test]
fn an_output_that_cannot_be_written_is_an_error_at_some_time() {
    let dir = tempdir().unwrap();
    fs::create_dir(dir.path().join("folder.mp4")).unwrap();
    let error = remux(&bare_stream(), &dir.path().join("folder.mp4")).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Io(io::ErrorKind::IsADirectory));
    assert!(error.to_string().contains("folder.mp4"), "{error}");
    #[cfg(target_os = "linux")]
    for name in ["full.mp4", "full.mkv", "full.ts"] {
        // A disk that is full: small files notice it as late as when they are closed.
        let path = dir.path().join(name);
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        for from in [bare_stream(), short_stream()] {
            let error = remux(&from, &path).unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::Io(io::ErrorKind::StorageFull), "{error}");
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}

#[test]
fn a_track_of_another_muxer_is_refused() {
    let dir = tempdir().unwrap();
    let mut input = Demuxer::open(bare_stream()).unwrap();
    let video = input.video().unwrap();
    let open = |name: &str, tracks: usize| {
        let mut output = Muxer::create(dir.path().join(name)).unwrap();
        let tracks: Vec<Track> = (0..tracks).map(|_| output.add_copy(&video).unwrap()).collect();
        (output.open().unwrap(), tracks)
    };
    let ((mut one, of_one), (mut two, of_two)) = (open("one.mkv", 1), open("two.mkv", 2));
    let of_two = [of_two[0], of_two[1]];
    for &track in &of_two {
        let error = one.write(track, input.read().unwrap().unwrap()).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidSetting { name: "track".into() });
    }
    assert!(two.write(of_one[0], input.read().unwrap().unwrap()).is_err());
    one.write(of_one[0], input.read().unwrap().unwrap()).unwrap();
    assert_eq!(one.finish().unwrap().track(of_two[0]), None);
    two.write(of_two[1], input.read().unwrap().unwrap()).unwrap();
    let report = two.finish().unwrap();
    assert_eq!(of_two.map(|track| report.track(track).unwrap().packets), [0, 1]);
}

#[test]
fn an_encoders_packets_that_go_back_in_time_are_refused_and_the_file_stays_whole() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("out.mp4");
    let pool = FramePool::new(System, FORMAT).unwrap();
    let mut encoder = Encoder::new(&pool, TimeBase::hz(25), mpeg4::Mpeg4::new()).open().unwrap();
    let mut output = Muxer::create(&path).unwrap();
    let track = output.add(&encoder).unwrap();
    let mut output = output.open().unwrap();
    let mut packets = Vec::new();
    for number in 0..3 {
        let mut frame = pool.frame().unwrap();
        frame.set_pts(number);
        packets.extend(encoder.send(frame).unwrap().map(Result::unwrap));
    }
    packets.swap(1, 2);
    let results: Vec<_> = packets.into_iter().map(|packet| output.write(track, packet)).collect();
    assert!(results[0].is_ok() && results[1].is_ok());
    let error = results[2].as_ref().unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidSetting { name: "dts".into() });
    assert!(error.explanation().unwrap().contains("decoding time"), "{error}");
    let report = output.finish().unwrap();
    assert_eq!((report.tracks[0].packets, report.mended()), (2, 0));
    assert_eq!(read_all(&path).unwrap().len(), 2);
}

/// Error lines of this program's, from any thread.
static ERRORS: Mutex<Vec<String>> = Mutex::new(Vec::new());
struct Logger;
impl log::Log for Logger {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() == log::Level::Error
    }
    fn log(&self, record: &log::Record<'_>) {
        ERRORS.lock().unwrap().push(record.args().to_string());
    }
    fn flush(&self) {}
}

#[test]
fn h39_a_muxer_dropped_without_finish_says_so_and_leaves_its_file() {
    log::set_logger(&Logger).unwrap();
    log::set_max_level(log::LevelFilter::Error);
    let dir = tempdir().unwrap();
    let said =
        |name: &str| ERRORS.lock().unwrap().iter().any(|line| line.contains(name) && line.contains("no trailer"));
    let video = Demuxer::open(bare_stream()).unwrap().video().unwrap();
    for (name, finished) in [("dropped.mkv", false), ("finished.mkv", true)] {
        let mut output = Muxer::create(dir.path().join(name)).unwrap();
        output.add_copy(&video).unwrap();
        let output = output.open().unwrap();
        if finished {
            // It has no packet, which is another matter.
            assert_eq!(*output.finish().unwrap_err().kind(), ErrorKind::NoPackets);
        } else {
            drop(output)
        }
        assert_eq!(said(name), !finished, "{name}");
        assert!(dir.path().join(name).exists());
    }
    let mut never = Muxer::create(dir.path().join("never.mkv")).unwrap();
    never.add_copy(&video).unwrap();
    drop(never);
    assert!(!said("never.mkv") && !dir.path().join("never.mkv").exists());
}

const FORMAT: Format = Format { width: 320, height: 240, pixels: PixelFormat::Yuv420p };

/// Encodes 50 frames with a keyframe every 10 into a file. `told`: another muxer that was given the encoder first.
fn encode(codec: &str, file: &Path, told: Option<&str>) {
    let pool = FramePool::new(System, FORMAT).unwrap();
    let clock = TimeBase::hz(25);
    let mut encoder = match codec {
        "h264" => Encoder::new(&pool, clock, x264::H264::new().set("sc_threshold", 0))
            .gop_size(10)
            .frame_rate(25, 1)
            .open()
            .unwrap(),
        _ => Encoder::new(&pool, clock, mpeg4::Mpeg4::new()).gop_size(10).frame_rate(25, 1).open().unwrap(),
    };
    if let Some(name) = told {
        Muxer::create(name).unwrap().add(&encoder).unwrap();
    }
    let mut output = Muxer::create(file).unwrap();
    let track = output.add(&encoder).unwrap();
    let mut output = output.open().unwrap();
    for number in 0..50 {
        let mut frame = Frame::system(FORMAT).unwrap();
        for line in frame.plane_mut(0).unwrap().lines_mut() {
            line.iter_mut().enumerate().for_each(|(x, pixel)| *pixel = (x as i64 + number * 3) as u8);
        }
        frame.set_pts(number);
        for packet in encoder.send(frame).unwrap() {
            output.write(track, packet.unwrap()).unwrap();
        }
    }
    encoder.flush().unwrap().finish(Limit::default(), |packet| output.write(track, packet)).unwrap().free();
    output.finish().unwrap();
}

#[test]
fn what_an_encoder_makes_can_be_played_from_every_container() {
    let dir = tempdir().unwrap();
    for (codec, name) in [
        ("h264", "a.mp4"),
        ("h264", "a.mkv"),
        ("h264", "a.ts"),
        ("h264", "a.h264"),
        ("mpeg4", "b.mp4"),
        ("mpeg4", "b.avi"),
    ] {
        let file = dir.path().join(name);
        encode(codec, &file, None);
        let shown = probe(&["-show_entries", "frame=width,height,pix_fmt"], &file);
        let frames = shown.lines().filter(|line| line.starts_with("320,240,yuv420p")).count();
        assert_eq!(frames, 50, "{name}: {shown}");
        if !name.ends_with(".h264") {
            let rate = probe(&["-show_entries", "stream=avg_frame_rate"], &file);
            assert_eq!(rate.lines().next().unwrap().trim_end_matches(','), "25/1", "{name}");
        }
    }
}

#[test]
fn h47_parameter_sets_are_in_the_header_or_before_each_keyframe() {
    let dir = tempdir().unwrap();
    // An MP4 muxer that has them makes the encoder leave them out of its packets, of which the .ts and .h264 know nothing.
    for told in [None, Some("told.mp4")] {
        for name in ["a.mp4", "a.ts", "a.h264"] {
            let file = dir.path().join(name);
            encode("h264", &file, told);
            let mut input = Demuxer::open(&file).unwrap();
            let video = input.video().unwrap();
            let mut keyframes = 0;
            for packet in input.packets(&video).map(Result::unwrap).filter(|packet| packet.is_keyframe()) {
                keyframes += 1;
                let kinds: Vec<_> = units(packet.data()).iter().map(|unit| unit[0] & 31).collect();
                let sets = kinds.iter().filter(|kind| matches!(kind, 7 | 8)).count();
                if name == "a.mp4" {
                    assert!(packet.data()[0] == 0 && packet.data()[2] != 1, "Annex B in MP4");
                } else {
                    assert_eq!(sets, 2, "{name} {told:?}: {kinds:?}");
                }
            }
            assert_eq!(keyframes, 5, "{name}");
            if name == "a.mp4" {
                let size = probe(&["-show_entries", "stream=extradata_size"], &file);
                assert!(size.trim().trim_end_matches(',').parse::<u32>().unwrap() > 20, "{size}");
            }
        }
    }
}

#[test]
fn times_that_are_missing_are_counted_on_at_the_frame_rate() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("own.mkv");
    let pool = FramePool::new(System, FORMAT).unwrap();
    let encoder = Encoder::new(&pool, TimeBase::hz(25), x264::H264::new()).max_b_frames(0).frame_rate(25, 1);
    let encoder = encoder.open().unwrap();
    let mut output = Muxer::create(&file).unwrap();
    let track = output.add(&encoder).unwrap();
    let mut output = output.open().unwrap();
    for _ in 0..3 {
        // The application's own: a delimiter, with no times.
        output.write(track, Packet::new(&[0, 0, 0, 1, 9, 16]).unwrap()).unwrap();
    }
    output.finish().unwrap();
    let mut input = Demuxer::open(&file).unwrap();
    let times: Vec<_> = std::iter::from_fn(|| input.read().unwrap()).map(|packet| packet.pts()).collect();
    assert_eq!(times, [Some(0), Some(40), Some(80)]);
}
