//! What FFmpeg's versions do each in another way, and the crate in one. These tests run on every version of `cargo xtask matrix`; the
//! other differences are in the tests that docs/architecture.md names.

mod support;

use avsluice::{
    Decoder, Device, Encoder, ErrorKind, FieldOrder, Format, FramePool, Limit, Muxer, Named, PixelFormat, System, nvenc,
};
use std::{fs, path::Path};
use support::{CLOCK, NV12, codecs::*, open, simulated};

/// Keyframe flags, field orders and durations in seconds of a stream's first frames, decoded in software, by nvdec and by h264_cuvid.
fn facts(path: &Path) -> Vec<Vec<(bool, FieldOrder, f64)>> {
    let device = Device::cuda(0).unwrap();
    let (mut file, video) = open(path).unwrap();
    let frames = Decoder::new(System, &video).open().unwrap().frames(file.packets(&video));
    let seconds = |ticks| (video.time_base().seconds(ticks) * 1000.0).round() / 1000.0;
    let fact = |key, order, duration| (key, order, seconds(duration));
    let mut all = Vec::new();
    all.push(
        frames.map(|frame| frame.unwrap()).map(|f| fact(f.is_keyframe(), f.field_order(), f.duration())).collect(),
    );
    for cuvid in [false, true] {
        let (mut file, video) = open(path).unwrap();
        let decoder = Decoder::new(&device, &video);
        let decoder = if cuvid { decoder.codec("h264_cuvid") } else { decoder };
        let frames = decoder.open().unwrap().frames(file.packets(&video));
        all.push(
            frames.map(|frame| frame.unwrap()).map(|f| fact(f.is_keyframe(), f.field_order(), f.duration())).collect(),
        );
    }
    device.close().unwrap();
    all
}

#[test]
fn keyframes_fields_and_durations_are_told() {
    simulated("keyframes_fields_and_durations_are_told", |_| {
        for stream in media::h264().iter().filter(|stream| stream.frame_count == 250) {
            let wanted = if stream.interlaced { FieldOrder::BottomFirst } else { FieldOrder::Progressive };
            for (decoder, frames) in ["software", "nvdec", "h264_cuvid"].iter().zip(facts(&stream.path)) {
                assert_eq!(frames.len(), 250, "{decoder}");
                assert!(frames[0].0, "{decoder}: the first is a keyframe");
                // FFmpeg 7.1's and 9.0's h264_cuvid reads some of its flags from memory that it never wrote.
                let few = frames.iter().filter(|frame| frame.0).count() < 10;
                assert!(few || *decoder == "h264_cuvid", "{decoder}: few are");
                assert!(frames.iter().all(|frame| frame.1 == wanted), "{decoder}: {:?}", frames[0]);
                // FFmpeg sets the duration of h264_cuvid's frames to 0, which is "not known", in every version.
                let duration = if *decoder == "h264_cuvid" { 0.0 } else { 0.04 };
                assert!(frames.iter().all(|frame| frame.2 == duration), "{decoder}: {:?}", frames[100]);
            }
        }
    });
}

#[test]
fn a_profile_is_set_and_read_by_name() {
    simulated("a_profile_is_set_and_read_by_name", |_| {
        let device = Device::cuda(0).unwrap();
        let dir = tempfile::tempdir().unwrap();
        // The default is Main in FFmpeg 5.1 and 7.1, and High in 9.0.
        for (profile, name) in [
            (nvenc::H264Profile::Baseline, "Constrained Baseline"),
            (nvenc::H264Profile::Main, "Main"),
            (nvenc::H264Profile::High, "High"),
        ] {
            let path = dir.path().join("out.mp4");
            let pool = FramePool::new(&device, NV12).unwrap();
            let mut encoder =
                Encoder::new(&pool, CLOCK, nvenc::H264::new().profile(profile)).max_b_frames(0).open().unwrap();
            let mut output = Muxer::create(&path).unwrap();
            let track = output.add(&encoder).unwrap();
            let mut output = output.open().unwrap();
            for packet in packets(&mut encoder, frame(&pool, 0)) {
                output.write(track, packet).unwrap();
            }
            let rest = encoder.flush().unwrap().finish(Limit::default(), |packet| output.write(track, packet)).unwrap();
            rest.free();
            output.finish().unwrap();
            assert_eq!(open(&path).unwrap().1.profile(), Some(name));
        }
        device.close().unwrap();
    });
}

#[test]
fn an_encoder_names_the_pixel_formats_that_it_takes() {
    let pool = FramePool::new(System, Format { pixels: PixelFormat::Rgb24, ..NV12 }).unwrap();
    let failed = Encoder::new(&pool, CLOCK, Named::new("mpeg4")).open().err().unwrap();
    assert_eq!(*failed.kind(), ErrorKind::Unsupported, "{failed}");
    assert!(failed.to_string().contains("`mpeg4` does not take rgb24, but yuv420p"), "{failed}");
}

/// The names between quotes at the beginnings of the lines of the list of capabilities.
fn capabilities() -> Vec<String> {
    let text = fs::read_to_string("build/capabilities.rs").unwrap();
    let names = text.lines().filter_map(|line| line.trim_start().strip_prefix("(\"")?.split_once('"'));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// Rust and C files under a folder.
fn sources(folder: &Path, into: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if !path.ends_with("ffi/prebuilt.rs") && !path.ends_with("tests/versions.rs") {
            into.push((path.display().to_string(), fs::read_to_string(&path).unwrap_or_default()));
        }
    }
}

#[test]
fn each_capability_is_asked_and_no_version_number_is_compared() {
    let names = capabilities();
    assert!(names.len() >= 5 && names.contains(&"has_frame_flags".to_owned()), "{names:?}");
    let mut files = Vec::new();
    ["src", "tests", "tools/gpu-test/src", "examples", "benches", "simgpu"]
        .iter()
        .for_each(|folder| sources(Path::new(folder), &mut files));
    for name in names {
        assert!(files.iter().any(|(_, text)| text.contains(&name)), "nothing asks {name}");
    }
    // version.rs holds the loaded library against its own headers, and lib.rs passes it on. The others know of defects that
    // some versions have and no header tells of.
    let allowed = [
        "src/raw/version.rs",
        "src/lib.rs",
        "src/raw/backend/vaapi/mod.rs",
        "tools/gpu-test/src/backend/vaapi.rs",
        "tests/errors.rs",
        "tests/support/mod.rs",
        "tests/faults.rs",
        "tests/vaapi_defects.rs",
    ];
    for (path, text) in files.iter().filter(|(path, _)| !allowed.contains(&path.as_str())) {
        for number in ["VERSION_INT", "VERSION_MAJOR", "avcodec_version", "avutil_version", "avformat_version"] {
            assert!(!text.contains(number), "{path} reads {number}: a capability belongs in build/capabilities.rs");
        }
    }
}
