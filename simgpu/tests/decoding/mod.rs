//! Decodes a stream with the SIMULATED drivers, all ways that FFmpeg has, and compares it with the software decoder.
#![allow(dead_code)] // each test file uses a part

use crate::common::program::{Run, ffmpeg_on_vaapi, ffmpeg_simulated};
use crate::common::{run, stderr};
use simgpu::Ledger;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// FFmpeg's ways to decode on a GPU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// The software decoder's parser with the hwaccel.
    Nvdec,
    /// `h264_cuvid`, with the driver's parser.
    Cuvid,
    /// The software decoder's parser with the VA-API hwaccel.
    Vaapi,
}

/// Those of NVIDIA.
pub const NVIDIA: [Way; 2] = [Way::Nvdec, Way::Cuvid];
const ALL: [Way; 3] = [Way::Nvdec, Way::Cuvid, Way::Vaapi];

const CUDA: [&str; 4] = ["-hwaccel", "cuda", "-hwaccel_output_format", "cuda"];
const VAAPI: [&str; 8] = [
    "-init_hw_device",
    "vaapi=va:/dev/null,connection_type=drm",
    "-hwaccel",
    "vaapi",
    "-hwaccel_device",
    "va",
    "-hwaccel_output_format",
    "vaapi",
];
const HASHES: [&str; 7] = ["-fps_mode", "passthrough", "-f", "framehash", "-hash", "md5", "-"];

/// The last column of framehash's lines.
fn hashes(output: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(output);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit(',').next()).map(|hash| hash.trim().to_owned()).collect()
}

/// One hash a frame of the visible picture as NV12, decoded in software; and what the decoder complained of.
pub fn software(input: &[&str]) -> (Vec<String>, String) {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-threads", "1"]).args(input).args(["-pix_fmt", "nv12"]).args(HASHES);
    let output = run(&mut command);
    (hashes(&output.stdout), stderr(&output))
}

/// The same through the driver: decoded to device memory, then downloaded. Nothing is asserted.
pub fn decode(way: Way, input: &[&str]) -> (Vec<String>, Run) {
    let decoder: &[&str] = if way == Way::Cuvid { &["-c:v", "h264_cuvid"] } else { &[] };
    let device: &[&str] = if way == Way::Vaapi { &VAAPI } else { &CUDA };
    let filter = ["-vf", "hwdownload,format=nv12"];
    let arguments = [device, decoder, input, &filter, &HASHES].concat();
    let run = if way == Way::Vaapi { ffmpeg_on_vaapi(&arguments) } else { ffmpeg_simulated(&arguments) };
    (hashes(&run.output.stdout), run)
}

/// Nothing is left in the driver and nothing was done wrong.
pub fn assert_clean(what: &str, ledger: &Ledger) {
    assert!(ledger.is_empty(), "{what}: {ledger}");
    assert_eq!(ledger.violations, [""; 0], "{what}");
}

/// All ways give exactly `expected`, and leave the driver clean.
pub fn assert_decodes_to(what: &str, input: &[&str], expected: &[String]) {
    assert_decodes_by(&ALL, what, input, expected);
}

/// The same of some of the ways.
pub fn assert_decodes_by(ways: &[Way], what: &str, input: &[&str], expected: &[String]) {
    for &way in ways {
        let (hashes, run) = decode(way, input);
        let what = format!("{what}, {way:?}: {}", stderr(&run.output));
        assert!(run.output.status.success(), "{what}");
        assert_eq!(hashes.len(), expected.len(), "{what}: frames");
        if let Some(at) = (0..expected.len()).find(|at| hashes[*at] != expected[*at]) {
            panic!("{what}: frame {at} of {} differs", expected.len());
        }
        assert_clean(&what, &run.ledger);
        let pictures: u64 = run.ledger.decoders.iter().map(|decoder| decoder.pictures).sum();
        assert!(pictures >= expected.len() as u64, "{what}: the driver decoded {pictures} pictures");
        assert_eq!(run.ledger.bytes.host_to_device, 0, "{what}: decoding copies nothing to the device");
    }
}

/// All ways give what the software decoder gives, which has nothing to complain of.
pub fn assert_same_as_software(name: &str, stream: &[u8], frames: usize) {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join(format!("{name}.h264"));
    std::fs::write(&path, stream).expect("writable");
    assert_file_same_as_software(name, &path, frames);
}

/// As [`assert_same_as_software`], for a file.
pub fn assert_file_same_as_software(name: &str, path: &Path, frames: usize) {
    let input = ["-i", path.to_str().expect("a plain path")];
    let (expected, complaints) = software(&input);
    assert_eq!(complaints, "", "{name}: the stream is valid");
    assert_eq!(expected.len(), frames, "{name}: frames");
    assert_decodes_to(name, &input, &expected);
}
