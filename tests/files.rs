//! Files in and out: what is copied is the same afterwards, and each thing that can be wrong with a file is one clear error.

#[path = "files/tools.rs"]
mod tools;

use avsluice::{Demuxer, ErrorKind, Muxer, demux::StreamKind};
use std::{fs, io, path::Path};
use tempfile::tempdir;
use tools::*;

const FRAMES: usize = 250;

#[test]
fn a_bare_stream_goes_through_each_container_and_back() {
    let dir = tempdir().unwrap();
    let pictures = slices(&fs::read(bare_stream()).unwrap());
    for extension in ["mp4", "mov", "mkv", "ts", "avi"] {
        let (there, back) = (dir.path().join(format!("there.{extension}")), dir.path().join("back.h264"));
        assert_eq!(remux(&bare_stream(), &there).unwrap(), FRAMES);
        assert_eq!(remux(&there, &back).unwrap(), FRAMES, "{extension}");
        assert_eq!(slices(&fs::read(&back).unwrap()), pictures, "{extension}");
    }
}

#[test]
fn a_bare_streams_pictures_get_their_times_in_the_order_in_which_they_are_shown() {
    let dir = tempdir().unwrap();
    for extension in ["mp4", "mkv", "ts"] {
        let file = dir.path().join(format!("out.{extension}"));
        remux(&bare_stream(), &file).unwrap();
        let shown = probe(&["-show_entries", "frame=pts_time"], &file);
        let times: Vec<f64> = shown.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect();
        assert_eq!(times.len(), FRAMES, "{extension}");
        assert!(times.windows(2).all(|pair| (pair[1] - pair[0] - 0.04).abs() < 0.002), "{extension}: {times:?}");
        let packets = read_all(&file).unwrap();
        assert!(packets.iter().all(|packet| packet.pts() >= packet.dts()));
        assert!(packets.windows(2).all(|pair| pair[0].dts() < pair[1].dts()), "{extension}");
    }
}

#[test]
fn packets_are_copied_byte_by_byte() {
    let dir = tempdir().unwrap();
    let (first, second) = (dir.path().join("first.mp4"), dir.path().join("second.mkv"));
    remux(&bare_stream(), &first).unwrap();
    remux(&first, &second).unwrap();
    let bytes = |file| read_all(file).unwrap().iter().map(|packet| packet.data().to_vec()).collect::<Vec<_>>();
    assert_eq!(bytes(&first), bytes(&second));
}

#[test]
fn two_streams_are_interleaved_and_keep_their_language() {
    let dir = tempdir().unwrap();
    let source = sound_and_picture(dir.path(), "source.mkv");
    let copy = dir.path().join("copy.mp4");
    let mut input = Demuxer::open(&source).unwrap();
    assert_eq!(input.format(), "matroska,webm");
    let kinds: Vec<_> = input.streams().iter().map(|stream| stream.kind()).collect();
    assert_eq!(kinds, [StreamKind::Video, StreamKind::Audio]);

    let mut output = Muxer::create(&copy).unwrap();
    let tracks: Vec<_> = input.streams().iter().map(|stream| output.add_copy(stream).unwrap()).collect();
    let mut output = output.open().unwrap();
    let (mut pictures, mut sounds) = (Vec::new(), Vec::new());
    while let Some(packet) = input.read().unwrap() {
        let of = if packet.stream() == 0 { &mut pictures } else { &mut sounds };
        of.push(packet);
    }
    let counts = (pictures.len(), sounds.len());
    assert!(counts.0 == 50 && counts.1 > 50, "{counts:?}");
    // All of one and then all of the other: the muxer brings them into the order of their times.
    for (track, packets) in [(tracks[1], sounds), (tracks[0], pictures)] {
        packets.into_iter().try_for_each(|packet| output.write(track, packet)).unwrap();
    }
    output.finish().unwrap();

    let mut copy = Demuxer::open(&copy).unwrap();
    let streams = copy.streams().to_vec();
    let order: Vec<_> = std::iter::from_fn(|| copy.read().unwrap()).map(|packet| packet.stream()).collect();
    assert_eq!((order.iter().filter(|i| **i == 0).count(), order.iter().filter(|i| **i == 1).count()), counts);
    assert!(order.windows(2).filter(|pair| pair[0] != pair[1]).count() > 20, "not interleaved");
    assert_eq!(streams[0].frame_rate(), Some((25, 1)));
    let language = probe(&["-show_entries", "stream_tags=language"], &dir.path().join("copy.mp4"));
    assert!(language.contains("deu"), "{language}");
}

#[test]
fn a_stream_says_what_it_is() {
    let dir = tempdir().unwrap();
    let source = sound_and_picture(dir.path(), "source.mp4");
    let mut input = Demuxer::open(&source).unwrap();
    let video = input.video().unwrap();
    assert_eq!((video.codec(), video.width(), video.height()), ("mpeg4", 160, 120));
    assert_eq!(
        (video.pixel_format(), video.frame_count(), video.frame_rate()),
        (Some("yuv420p"), Some(50), Some((25, 1)))
    );
    assert!((video.duration().unwrap().as_secs_f64() - 2.0).abs() < 0.1);
    let sound = input.streams()[1].clone();
    assert_eq!((sound.kind(), sound.codec(), sound.frame_rate()), (StreamKind::Audio, "aac", None));
    let count = input.packets(&video).inspect(|packet| assert_eq!(packet.as_ref().unwrap().stream(), 0)).count();
    assert_eq!(count, 50);
    assert!(input.read().unwrap().is_none() && input.read().unwrap().is_none(), "the end is not the end");
    assert_eq!(input.early_end(), None);
}

#[test]
fn a_packet_carries_its_streams_time_base_and_its_duration() {
    let mut input = Demuxer::open(bare_stream()).unwrap();
    let video = input.video().unwrap();
    for packet in input.packets(&video) {
        let packet = packet.unwrap();
        assert_eq!(packet.time_base(), Some(video.time_base()));
        assert!((video.time_base().seconds(packet.duration()) - 0.04).abs() < 1e-9);
    }
}

/// The kind and the explanation, which must name the file.
fn refused(path: &Path) -> (ErrorKind, String) {
    let error = match Demuxer::open(path) {
        Err(error) => error,
        Ok(input) => input.video().expect_err("opened, and has a video"),
    };
    let explanation = error.explanation().unwrap_or_default().to_string();
    assert!(explanation.contains(&*path.file_name().unwrap().to_string_lossy()), "{error}");
    assert_eq!(error.to_string().lines().count(), 1);
    (error.kind().clone(), explanation)
}

#[test]
fn what_is_no_video_is_refused_by_name() {
    let dir = tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    assert_eq!(refused(&at("missing.mp4")).0, ErrorKind::Io(io::ErrorKind::NotFound));
    assert_eq!(refused(&at("no/such/folder.mp4")).0, ErrorKind::Io(io::ErrorKind::NotFound));
    assert_eq!(refused(dir.path()).0, ErrorKind::Io(io::ErrorKind::IsADirectory));
    for name in ["empty.mp4", "empty.h264", "empty"] {
        fs::write(at(name), "").unwrap();
        let (kind, explanation) = refused(&at(name));
        assert!(kind == ErrorKind::InvalidData && explanation.contains("empty"), "{kind:?} {explanation}");
    }
    // FFmpeg shows the second as a picture of a terminal.
    for (name, lines) in [("short.txt", 1), ("long.txt", 1000), ("text.mp4", 1000), ("text.h264", 100)] {
        fs::write(at(name), "This is no video.\n".repeat(lines)).unwrap();
        assert_eq!(refused(&at(name)).0, ErrorKind::InvalidData, "{name}");
    }
    // A delimiter and nothing after it: FFmpeg opens it by its extension.
    fs::write(at("nothing.h264"), [0, 0, 0, 1, 9, 16]).unwrap();
    assert_eq!(refused(&at("nothing.h264")).0, ErrorKind::InvalidData);
    fs::write(at("noise.mkv"), (0..40_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>())
        .unwrap();
    assert_eq!(refused(&at("noise.mkv")).0, ErrorKind::InvalidData);
    let error = Demuxer::open("a\0b.mp4").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidSetting { .. }), "{error}");
}

#[test]
fn sound_alone_is_no_video_with_or_without_a_cover() {
    let dir = tempdir().unwrap();
    let (plain, cover) = (dir.path().join("plain.m4a"), dir.path().join("cover.m4a"));
    ffmpeg(&["-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac"], &plain);
    let picture = "color=s=64x64:d=0.04:r=25";
    let cover_of = ["-c:v", "png", "-frames:v", "1", "-disposition:v", "attached_pic"];
    let inputs =
        ["-f", "lavfi", "-i", "sine=d=1", "-f", "lavfi", "-i", picture, "-map", "0", "-map", "1", "-c:a", "aac"];
    ffmpeg(&[&inputs[..], &cover_of].concat(), &cover);
    for (file, what) in [(plain, "audio (aac)"), (cover, "cover picture (png)")] {
        let (kind, explanation) = refused(&file);
        assert!(kind == ErrorKind::NoStream && explanation.contains(what), "{explanation}");
    }
}

#[test]
fn a_file_that_was_cut_off_says_so() {
    let dir = tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let cut = |from: &Path, to: &Path| fs::write(to, &fs::read(from).unwrap()[..90_000]).unwrap();
    for extension in ["mp4", "mkv"] {
        remux(&bare_stream(), &at(&format!("whole.{extension}"))).unwrap();
        cut(&at(&format!("whole.{extension}")), &at(&format!("cut.{extension}")));
    }
    // Its index is at the end.
    let (kind, explanation) = refused(&at("cut.mp4"));
    assert!(kind == ErrorKind::InvalidData && explanation.contains("truncated"), "{explanation}");

    ffmpeg(&["-i", at("whole.mp4").to_str().unwrap(), "-c", "copy", "-movflags", "faststart"], &at("fast.mp4"));
    cut(&at("fast.mp4"), &at("fast-cut.mp4"));
    for name in ["cut.mkv", "fast-cut.mp4"] {
        let mut input = Demuxer::open(at(name)).unwrap();
        let mut packets = 0;
        let error = loop {
            match input.read() {
                Ok(Some(_)) => packets += 1,
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        assert!((100..FRAMES).contains(&packets), "{name}: {packets}");
        if let Some(error) = &error {
            assert!(error.explanation().unwrap().contains(name), "{error}");
        }
        assert!(error.is_some() || input.early_end().is_some(), "{name} ended in silence");
    }
}

#[test]
fn a_colon_in_a_name_is_no_protocol() {
    let dir = tempdir().unwrap();
    assert_eq!(refused(Path::new("a:missing.mp4")).0, ErrorKind::Io(io::ErrorKind::NotFound));
    // `data:` is a protocol of FFmpeg's, `a:` is none.
    for name in ["a:b.mp4", "data:b.mp4"] {
        assert_eq!(remux(&bare_stream(), &dir.path().join(name)).unwrap(), FRAMES);
    }
    let status = child(dir.path());
    assert!(status.success(), "{status}");
    assert!(dir.path().join("a:c.mkv").exists());
}

/// Run by the test above in a process of its own, whose working folder makes the names relative: what stands before the
/// colon is then where a protocol would be. By itself it has nothing to open.
#[test]
fn child_opens_names_with_a_colon() {
    if std::env::var_os(IN_CHILD).is_some() {
        for name in ["a:b.mp4", "data:b.mp4"] {
            assert_eq!(remux(Path::new(name), Path::new("a:c.mkv")).unwrap(), FRAMES, "{name}");
        }
    }
}

#[test]
fn a_failing_read_is_no_end_of_the_file() {
    let dir = tempdir().unwrap();
    let ts = dir.path().join("whole.ts");
    remux(&bare_stream(), &ts).unwrap();
    for file in [bare_stream(), ts] {
        // FFmpeg's protocol for files one after the other; reading the second fails, for it is a folder.
        let url = format!("concat:{}|{}", file.display(), dir.path().display());
        let mut input = Demuxer::open(&url).unwrap();
        let mut packets = 0;
        let error = loop {
            match input.read() {
                Ok(Some(_)) => packets += 1,
                Ok(None) => panic!("the end after {packets} packets"),
                Err(error) => break error,
            }
        };
        assert!(packets >= FRAMES - 1, "{packets}");
        assert_eq!(*error.kind(), ErrorKind::Io(io::ErrorKind::IsADirectory));
        assert!(error.explanation().unwrap().contains("before the end"), "{error}");
        assert!(input.read().is_err(), "an error once, and then the end");
    }
}
