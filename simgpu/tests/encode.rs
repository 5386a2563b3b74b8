//! FFmpeg's h264_nvenc over the simulated driver: what goes in comes out bit by bit, in the right order, with the right headers.

mod common;

use common::program::{Run, ffmpeg, ffmpeg_simulated, ffprobe, run_simulated};
use simgpu::{Config, Ledger};
use std::path::Path;
use tempfile::TempDir;

const SMALL: &str = "320x240";

/// A source that ends by itself: with -frames:v, FFmpeg 9's program uploads one picture more than it encodes.
fn source(size: &str, frames: u32) -> Vec<String> {
    ["-f", "lavfi", "-i", &format!("testsrc2=s={size}:r=25,trim=end_frame={frames}")].map(String::from).to_vec()
}

/// Encodes; the run and where the file is.
fn encode(directory: &TempDir, size: &str, frames: u32, options: &[&str], name: &str) -> (Run, String) {
    let path = directory.path().join(name).display().to_string();
    let source = source(size, frames);
    let mut arguments: Vec<&str> = source.iter().map(String::as_str).collect();
    arguments.extend(["-c:v", "h264_nvenc"]);
    arguments.extend(options);
    arguments.push(&path);
    (ffmpeg_simulated(&arguments), path)
}

fn encoded(directory: &TempDir, size: &str, frames: u32, options: &[&str], name: &str) -> (Ledger, String) {
    let (run, path) = encode(directory, size, frames, options, name);
    assert!(run.output.status.success(), "{}", common::stderr(&run.output));
    assert_eq!(run.ledger.violations, [""; 0], "{}", run.ledger);
    assert!(run.ledger.is_empty(), "{}", run.ledger);
    let session = &run.ledger.sessions[0];
    assert_eq!((session.pictures_in, session.packets_out), (frames.into(), frames.into()));
    (run.ledger, path)
}

/// The pictures as they went in.
fn pictures_in(size: &str, frames: u32) -> Vec<u8> {
    let source = source(size, frames);
    let mut arguments: Vec<&str> = source.iter().map(String::as_str).collect();
    arguments.extend(["-pix_fmt", "nv12", "-f", "rawvideo", "-"]);
    ffmpeg(&arguments)
}

/// The pictures as a software decoder gives them.
fn pictures_out(path: &str) -> Vec<u8> {
    ffmpeg(&["-i", path, "-pix_fmt", "nv12", "-fps_mode", "passthrough", "-f", "rawvideo", "-"])
}

fn probe(path: &str, entries: &str) -> Vec<String> {
    let text = ffprobe(&["-select_streams", "v", "-show_entries", entries, "-of", "csv=p=0", path]);
    text.lines().map(|line| line.trim_end_matches(',').to_owned()).filter(|line| !line.is_empty()).collect()
}

fn picture_types(path: &str) -> String {
    probe(path, "frame=pict_type").concat()
}

fn key_packets(path: &str) -> Vec<usize> {
    let flags = probe(path, "packet=flags");
    flags.iter().enumerate().filter(|(_, flags)| flags.starts_with('K')).map(|(at, _)| at).collect()
}

#[test]
fn system_memory_encodes_bit_exactly() {
    let directory = TempDir::new().expect("a temporary directory");
    let wanted = pictures_in(SMALL, 25);
    for format in ["nv12", "yuv420p"] {
        for b_pictures in ["0", "1", "3"] {
            let (ledger, path) = encoded(&directory, SMALL, 25, &["-pix_fmt", format, "-bf", b_pictures], "out.mkv");
            assert!(pictures_out(&path) == wanted, "{format} with {b_pictures} B pictures differs");
            assert_eq!(ledger.bytes.encoder_input, wanted.len() as u64);
            assert_eq!(ledger.bytes.host_to_device, 0);
        }
    }
}

#[test]
fn cuda_frames_encode_bit_exactly_with_one_upload_each() {
    let directory = TempDir::new().expect("a temporary directory");
    let wanted = pictures_in(SMALL, 25);
    for (format, planes) in [("nv12", 2), ("yuv420p", 3)] {
        for b_pictures in ["0", "2"] {
            let filter = format!("format={format},hwupload_cuda");
            let options = ["-vf", &filter, "-bf", b_pictures];
            let (ledger, path) = encoded(&directory, SMALL, 25, &options, "out.mkv");
            assert!(pictures_out(&path) == wanted, "{format} with {b_pictures} B pictures differs");
            assert_eq!(ledger.calls["cuMemcpy2DAsync_v2"].total, 25 * planes);
            // From 7.1 on FFmpeg copies the padding of short rows too.
            let (picture, copied) = (wanted.len() as u64, ledger.bytes.host_to_device);
            assert!((picture..picture * 11 / 10).contains(&copied), "{copied} bytes for {picture}");
            assert_eq!((ledger.bytes.encoder_input, ledger.bytes.device_to_host), (0, 0));
        }
    }
}

#[test]
fn sizes_that_are_no_whole_macroblocks_are_cropped() {
    let directory = TempDir::new().expect("a temporary directory");
    for (size, options) in [("1920x1080", ["-pix_fmt", "nv12"]), ("162x98", ["-vf", "format=nv12,hwupload_cuda"])] {
        let (_, path) = encoded(&directory, size, 3, &options, "out.mkv");
        assert_eq!(probe(&path, "stream=width,height"), [size.replace('x', ",")]);
        assert!(pictures_out(&path) == pictures_in(size, 3), "{size} differs");
    }
}

#[test]
fn b_pictures_are_decoded_after_the_pictures_they_lie_between() {
    let directory = TempDir::new().expect("a temporary directory");
    let (_, path) = encoded(&directory, SMALL, 10, &["-bf", "2", "-g", "250"], "out.mkv");
    assert_eq!(picture_types(&path), "IBBPBBPBBP");
    let times = probe(&path, "packet=pts");
    let times: Vec<u32> = times.iter().map(|time| time.parse::<u32>().expect("a number") / 40).collect();
    assert_eq!(times, [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]);
    // One picture is waited for, which is all that such a structure needs.
    assert_eq!(probe(&path, "stream=has_b_frames"), ["1"]);
    let (_, path) = encoded(&directory, SMALL, 4, &["-bf", "0"], "plain.mkv");
    assert_eq!((picture_types(&path), probe(&path, "stream=has_b_frames")), ("IPPP".into(), vec!["0".into()]));
}

#[test]
fn idr_pictures_come_as_the_gop_length_says_and_when_forced() {
    let directory = TempDir::new().expect("a temporary directory");
    let (_, path) = encoded(&directory, SMALL, 12, &["-g", "5", "-bf", "0"], "out.mkv");
    assert_eq!(key_packets(&path), [0, 5, 10]);
    let force = ["-force_key_frames", "expr:eq(n,7)", "-bf", "0"];
    let (ledger, path) = encoded(&directory, SMALL, 12, &[&force[..], &["-forced-idr", "1"]].concat(), "out.mkv");
    assert_eq!((key_packets(&path), picture_types(&path)), (vec![0, 7], "IPPPPPPIPPPP".into()));
    assert_eq!((ledger.sessions[0].forced_idr, ledger.sessions[0].idr), (1, 2));
    // Without forced-idr FFmpeg asks for an intra picture, which is no place to start.
    let (ledger, path) = encoded(&directory, SMALL, 12, &force, "out.mkv");
    assert_eq!(picture_types(&path), "IPPPPPPIPPPP");
    assert_eq!((ledger.sessions[0].forced_idr, ledger.sessions[0].idr), (0, 1));
}

#[test]
fn an_idr_picture_forced_between_b_pictures_keeps_every_picture() {
    let directory = TempDir::new().expect("a temporary directory");
    let options = ["-force_key_frames", "expr:eq(n,5)", "-forced-idr", "1", "-bf", "3", "-g", "250"];
    let (_, path) = encoded(&directory, SMALL, 11, &options, "out.mkv");
    assert_eq!(picture_types(&path), "IBBBPIBBBPP");
    assert!(pictures_out(&path) == pictures_in(SMALL, 11));
}

#[test]
fn colour_aspect_and_rate_are_in_the_stream() {
    let directory = TempDir::new().expect("a temporary directory");
    // Since FFmpeg 7 a picture's own colours go before the options -color_primaries and so on.
    let filters = "setsar=4/3,setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=pc";
    let options = ["-vf", filters, "-profile:v", "main"];
    // A raw stream: all that ffprobe knows comes from the parameter sets.
    let (_, path) = encoded(&directory, SMALL, 3, &options, "out.h264");
    let entries = "stream=profile,sample_aspect_ratio,level,color_range,color_space,color_transfer,color_primaries,avg_frame_rate";
    assert_eq!(probe(&path, entries), ["Main,4:3,13,pc,bt709,bt709,bt709,25/1"]);
    let (_, path) = encoded(&directory, SMALL, 3, &["-profile:v", "high"], "plain.h264");
    assert_eq!(probe(&path, "stream=profile,color_space"), ["High,unknown"]);
}

#[test]
fn parameter_sets_are_where_the_program_wants_them() {
    let directory = TempDir::new().expect("a temporary directory");
    let (_, raw) = encoded(&directory, SMALL, 12, &["-g", "5"], "out.h264");
    let raw = std::fs::read(raw).expect("the stream");
    let end = 4 + raw[4..].windows(4).position(|at| at == [0, 0, 0, 1]).expect("a second NAL unit");
    let sequence = &raw[4..end];
    assert_eq!(sequence[0], 0x67, "the stream begins with a sequence parameter set");
    let count = |bytes: &[u8]| bytes.windows(sequence.len()).filter(|at| *at == sequence).count();
    assert_eq!(count(&raw), 3, "one for each IDR picture");
    // MP4 wants them in its header and not in the stream.
    let (_, path) = encoded(&directory, SMALL, 12, &["-g", "5"], "out.mp4");
    assert_eq!(count(&std::fs::read(&path).expect("the file")), 1);
    assert!(pictures_out(&path) == pictures_in(SMALL, 12));
}

#[test]
fn look_ahead_and_delay_lose_no_picture() {
    let directory = TempDir::new().expect("a temporary directory");
    let wanted = pictures_in(SMALL, 25);
    let options = ["-rc-lookahead", "8", "-bf", "2", "-vf", "format=nv12,hwupload_cuda"];
    let (_, path) = encoded(&directory, SMALL, 25, &options, "out.mkv");
    assert!(pictures_out(&path) == wanted);
    let (_, path) = encoded(&directory, SMALL, 25, &["-delay", "0", "-bf", "0"], "out.mkv");
    assert!(pictures_out(&path) == wanted);
}

/// What ffmpeg says when the machine is as given.
fn refusal(config: &Config, options: &[&str]) -> String {
    let directory = TempDir::new().expect("a temporary directory");
    let out = directory.path().join("out.mkv");
    let run = run_simulated("ffmpeg", |command| {
        command.args(["-v", "error", "-nostdin", "-y"]).args(source(SMALL, 2)).args(options).arg(Path::new(&out));
        command.env("SIMGPU_CONFIG", serde_json::to_string(config).expect("JSON"));
    });
    assert!(!run.output.status.success());
    common::stderr(&run.output)
}

#[test]
fn what_a_machine_cannot_do_is_refused_as_a_driver_does() {
    let machine = Config::default();
    let h264 = ["-c:v", "h264_nvenc"];
    let cases = [
        (Config { nvenc_engine: false, ..machine.clone() }, &h264[..], "unsupported device (2)"),
        (Config { max_sessions: 0, ..machine.clone() }, &h264, "out of memory (10)"),
        (
            Config { max_sessions: 0, session_limit_status: 21, ..machine.clone() },
            &h264,
            "incompatible client key (21)",
        ),
        (Config { nvenc_version: (9, 0), ..machine.clone() }, &h264, "Driver does not support the required nvenc API"),
        (Config { devices: 0, ..machine.clone() }, &h264, "CUDA_ERROR_NO_DEVICE"),
        (machine.clone(), &["-c:v", "hevc_nvenc"], "No capable devices found"),
        (machine.clone(), &["-c:v", "h264_nvenc", "-s", "64x48"], "invalid param (8)"),
        (machine.clone(), &["-c:v", "h264_nvenc", "-pix_fmt", "bgr0"], "CreateInputBuffer failed"),
        (machine, &["-c:v", "h264_nvenc", "-pix_fmt", "yuv444p"], "No capable devices found"),
    ];
    for (machine, options, wanted) in cases {
        let said = refusal(&machine, options);
        assert!(said.contains(wanted), "{options:?} on {machine:?}: no {wanted:?} in {said}");
    }
}

#[test]
fn an_encoder_that_holds_pictures_gives_them_at_the_end() {
    let directory = TempDir::new().expect("a temporary directory");
    let out = directory.path().join("out.mkv");
    let config = Config { hold: 3, ..Default::default() };
    let run = run_simulated("ffmpeg", |command| {
        command.args(["-v", "error", "-nostdin", "-y"]).args(source(SMALL, 25)).args(["-c:v", "h264_nvenc"]).arg(&out);
        command.env("SIMGPU_CONFIG", serde_json::to_string(&config).expect("JSON"));
    });
    assert!(run.output.status.success(), "{}", common::stderr(&run.output));
    assert_eq!(run.ledger.violations, [""; 0]);
    assert!(pictures_out(&out.display().to_string()) == pictures_in(SMALL, 25));
}

#[test]
fn a_call_that_fails_in_mid_stream_reaches_the_program() {
    let directory = TempDir::new().expect("a temporary directory");
    let cases = [
        ("nvEncEncodePicture", "EncodePicture failed!: generic error (20)"),
        ("nvEncLockBitstream", "Failed locking bitstream buffer: generic error (20)"),
        ("nvEncMapInputResource", "Error mapping an input resource: generic error (20)"),
    ];
    for (function, wanted) in cases {
        let fault = simgpu::Fault { function: function.into(), nth: 3, status: 20, sticky: false };
        let run = run_simulated("ffmpeg", |command| {
            command.args(["-v", "error", "-nostdin", "-y"]).args(source(SMALL, 25));
            command.args(["-vf", "format=nv12,hwupload_cuda", "-c:v", "h264_nvenc", "-bf", "0"]);
            command.arg(directory.path().join("out.mkv"));
            command.env("SIMGPU_FAULTS", serde_json::to_string(&[fault]).expect("JSON"));
        });
        let said = common::stderr(&run.output);
        assert!(said.contains(wanted), "{function}: no {wanted:?} in {said}");
        assert_eq!(run.ledger.calls[function].failed, 1, "{}", run.ledger);
    }
}
