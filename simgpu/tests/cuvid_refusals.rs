//! What the SIMULATED decoder does not decode is refused by name, and what is broken ends in an error or a picture: no
//! garbage, no crash, no hang.

mod common;
mod decoding;
mod h264;

use common::program::ffmpeg;
use common::stderr;
use decoding::{Way, decode, software};
use h264::{FRAMES, Kind, Parameters, Pic, Sequence, Stream};
use std::path::Path;
use tempfile::TempDir;

fn encode(directory: &Path, name: &str, size: &str, arguments: &str) -> String {
    let path = directory.join(name).to_str().expect("a plain path").to_owned();
    let source = format!("testsrc2=size={size}:rate=25,noise=alls=9:allf=t:all_seed=5");
    let mut all = vec!["-f", "lavfi", "-i", &source, "-frames:v", "12"];
    all.extend(arguments.split_whitespace());
    all.push(&path);
    ffmpeg(&all);
    path
}

/// Decodes with the nvdec hwaccel; no picture may come out. The call log's REFUSED lines, and FFmpeg's complaints.
fn refused(path: &str) -> (String, String) {
    let directory = TempDir::new().expect("a temporary directory");
    let log = directory.path().join("log");
    let output = directory.path().join("out.md5");
    let run = common::program::run_simulated("ffmpeg", |command| {
        command.env("SIMGPU_LOG", &log).args(["-v", "error", "-nostdin"]);
        command.args(["-hwaccel", "cuda", "-hwaccel_output_format", "cuda", "-i", path]);
        command.args(["-vf", "hwdownload,format=nv12", "-f", "framemd5"]).arg(&output);
    });
    let frames = std::fs::read_to_string(&output).unwrap_or_default();
    assert_eq!(frames.lines().filter(|line| !line.starts_with('#')).count(), 0, "{path}: {frames}");
    assert_eq!(run.ledger.violations, [""; 0]);
    let log = std::fs::read_to_string(&log).unwrap_or_default();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("REFUSED")).collect();
    (lines.join("\n"), stderr(&run.output))
}

#[test]
fn other_formats_are_not_supported_says_the_capability_query() {
    let directory = TempDir::new().expect("a temporary directory");
    let at = directory.path();
    for path in [
        encode(at, "422.h264", "176x144", "-pix_fmt yuv422p -c:v libx264"),
        encode(at, "444.h264", "176x144", "-pix_fmt yuv444p -c:v libx264"),
        encode(at, "hevc.mp4", "176x144", "-pix_fmt yuv420p -c:v libx265 -x265-params log-level=none"),
        encode(at, "mpeg2.ts", "176x144", "-pix_fmt yuv420p -c:v mpeg2video"),
    ] {
        let (_, complaints) = refused(&path);
        assert!(complaints.contains("lacking required capabilities"), "{path}: {complaints}");
    }
    let (_, complaints) = refused(&encode(at, "tiny.h264", "32x32", "-pix_fmt yuv420p -c:v libx264"));
    assert!(complaints.contains("width 32 not within range from 48 to 4096"), "{complaints}");
}

#[test]
fn a_grey_stream_is_refused_by_name() {
    // FFmpeg passes 4:0:0 on as 4:2:0: only the pictures tell.
    let directory = TempDir::new().expect("a temporary directory");
    for parameters in ["", "-x264-params cabac=0", "-x264-params bframes=0:8x8dct=0:slices=2"] {
        let arguments = format!("-pix_fmt gray -c:v libx264 {parameters}");
        let (log, complaints) = refused(&encode(directory.path(), "grey.h264", "176x144", &arguments));
        assert!(log.contains("cuvidDecodePicture: chroma format 4:0:0 is not supported"), "{log}");
        assert!(complaints.contains("CUDA_ERROR_NOT_SUPPORTED"), "{complaints}");
    }
}

#[test]
fn order_count_type_1_with_b_pictures_is_refused_by_name() {
    let parameters = Parameters { num_ref_idx: (1, 1), ..Parameters::default() };
    let mut stream = Stream::new(Sequence { poc_type: 1, ..FRAMES }, &[parameters]);
    stream.push(&Pic::idr());
    stream.push(&Pic::new(Kind::P, 1, 0));
    stream.push(&Pic::new(Kind::B, 2, 0));
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("type1.h264");
    std::fs::write(&path, &stream.bytes).expect("writable");
    let (_, run) = {
        let log = directory.path().join("log");
        let run = common::program::run_simulated("ffmpeg", |command| {
            command.env("SIMGPU_LOG", &log).args(["-v", "error", "-nostdin", "-hwaccel", "cuda", "-i"]);
            command.arg(&path).args(["-f", "null", "-"]);
        });
        (std::fs::read_to_string(&log).map(|log| assert!(log.contains("picture order count type 1"), "{log}")), run)
    };
    assert!(stderr(&run.output).contains("CUDA_ERROR_NOT_SUPPORTED"), "{}", stderr(&run.output));
    assert_eq!(run.ledger.calls["cuvidDecodePicture"].failed, 1);
}

/// Streams that are damaged in several ways, always the same.
fn damaged(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 20) as usize % limit
    };
    let mut all = vec![
        ("cut".to_owned(), bytes[..bytes.len() * 2 / 3 + 5].to_vec()),
        // from the second picture on: its references are missing
        ("headless".to_owned(), [&bytes[..800], &bytes[bytes.len() / 4..]].concat()),
        ("zeros".to_owned(), [bytes, &[0; 5000]].concat()),
    ];
    for count in [1, 30, 300, 3000] {
        let mut copy = bytes.to_vec();
        (0..count).for_each(|_| copy[64 + random(bytes.len() - 64)] = random(256) as u8);
        all.push((format!("{count} bytes"), copy));
    }
    let mut copy = bytes.to_vec();
    for _ in 0..6 {
        let at = 800 + random(copy.len() - 3000);
        copy.drain(at..at + 1 + random(1500));
    }
    all.push(("holes".to_owned(), copy));
    all
}

#[test]
fn broken_streams_give_pictures_or_errors() {
    let directory = TempDir::new().expect("a temporary directory");
    let variants = ["-x264-params cabac=0:slices=3", "-preset slow", "-flags +ilme+ildct -x264-params tff=1:bframes=3"];
    for (at, variant) in variants.into_iter().enumerate() {
        let arguments = format!("-pix_fmt yuv420p -c:v libx264 {variant}");
        let whole = encode(directory.path(), "whole.h264", "176x144", &arguments);
        for (damage, bytes) in damaged(&std::fs::read(whole).expect("just encoded")) {
            let path = directory.path().join(format!("{at}.h264"));
            std::fs::write(&path, bytes).expect("writable");
            let input = ["-i", path.to_str().expect("a plain path")];
            let (expected, _) = software(&input);
            for way in decoding::NVIDIA {
                let (hashes, run) = decode(way, &input);
                let what = format!("{variant}, {damage}, {way:?}: {}", stderr(&run.output));
                assert!(run.output.status.code().is_some(), "{what}: ended by a signal");
                assert_eq!(run.ledger.violations, [""; 0], "{what}");
                if run.output.status.success() {
                    assert!(run.ledger.is_empty(), "{what}: {}", run.ledger);
                    let least = if damage.starts_with("3000") { 1 } else { expected.len() - 2 };
                    assert!(hashes.len() >= least, "{what}: {} of {}", hashes.len(), expected.len());
                }
            }
        }
    }
}

#[test]
fn a_gpu_without_a_decoder_refuses() {
    let stream = media::standard();
    let path = stream.path.to_str().expect("a plain path");
    let run = common::program::run_simulated("ffmpeg", |command| {
        command.env("SIMGPU_CONFIG", r#"{"nvdec_engine": false}"#).args(["-v", "error", "-nostdin"]);
        command.args(["-c:v", "h264_cuvid", "-i", path, "-f", "null", "-"]);
    });
    assert!(!run.output.status.success());
    assert!(stderr(&run.output).contains("Codec h264_cuvid is not supported"), "{}", stderr(&run.output));
    let (hashes, _) = decode(Way::Nvdec, &["-t", "0.2", "-i", path]);
    assert_eq!(hashes, stream.frames[..5], "with one it decodes");
}
