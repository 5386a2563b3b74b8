//! Inputs on which a healthy machine's decoders differ: what FFmpeg or the file is to blame for is skipped, and nothing else is.

use serde_json::Value;
use std::{fs, path::Path, process::Command};
use tempfile::TempDir;

fn ffmpeg(arguments: &[&str], path: &Path) {
    let mut command = Command::new("ffmpeg");
    let status = command.args(["-v", "error", "-y"]).args(arguments).arg(path).status();
    assert!(status.expect("the ffmpeg program: `cargo xtask test --setup` installs it").success(), "{command:?}");
}

/// A picture that moves, with B-frames and keyframes twice a second.
fn source(path: &Path) {
    let codec = ["-c:v", "libx264", "-threads", "1", "-bf", "2", "-g", "12", "-pix_fmt", "yuv420p"];
    ffmpeg(&[&["-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=3"][..], &codec].concat(), path);
}

/// A check's verdict.
fn check(name: &str, input: &Path, faults: &str) -> (String, String) {
    let work = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gpu-test"));
    command.args(["run", name, "--backend", "nvidia", "--driver", "simulated", "--frames", "100", "--input"]);
    command.arg(input).arg("--work").arg(work.path()).env("SIMGPU_FAULTS", faults);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let verdict: Value = serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap();
    let word = |name: &str| verdict[name].as_str().unwrap_or_default().to_string();
    (word("status"), word("reason"))
}

const NO_FAULT: &str = "[]";

#[test]
fn an_edit_list_is_h264_cuvids_flaw_and_nobody_elses() {
    let folder = TempDir::new().unwrap();
    let (whole, edited) = (folder.path().join("whole.mp4"), folder.path().join("edited.mp4"));
    source(&whole);
    // The file begins at a keyframe before that time, and its edit list leaves out what comes first.
    ffmpeg(&["-ss", "1.3", "-i", whole.to_str().unwrap(), "-c", "copy"], &edited);
    assert_eq!(check("decode-cuvid", &whole, NO_FAULT).0, "passed");
    let (status, reason) = check("decode-cuvid", &edited, NO_FAULT);
    assert!(status == "skipped" && reason.starts_with("FFmpeg's: h264_cuvid shows what"), "{status}: {reason}");
    assert_eq!(check("decode", &edited, NO_FAULT).0, "passed");
    assert_eq!(check("compare", &edited, NO_FAULT).0, "passed");
}

#[test]
fn a_flipped_bit_is_the_files() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("flipped.h264");
    source(&path);
    let whole = fs::read(&path).unwrap();
    let mut skipped = 0;
    for part in [30, 50, 55, 70] {
        let mut flipped = whole.clone();
        flipped[whole.len() * part / 100] ^= 0x10;
        fs::write(&path, &flipped).unwrap();
        for name in ["decode", "decode-cuvid", "compare"] {
            let (status, reason) = check(name, &path, NO_FAULT);
            assert!(status == "passed" || reason.starts_with("the input is damaged"), "{name}: {status}: {reason}");
            skipped += usize::from(status == "skipped");
        }
    }
    assert!(skipped >= 2, "the bits make no difference");
}

/// The excuses are for what differs, and not for a driver that fails.
#[test]
fn a_driver_that_fails_is_not_excused() {
    let folder = TempDir::new().unwrap();
    let (whole, edited) = (folder.path().join("whole.mp4"), folder.path().join("edited.mp4"));
    source(&whole);
    ffmpeg(&["-ss", "1.3", "-i", whole.to_str().unwrap(), "-c", "copy"], &edited);
    let fault = r#"[{"function":"cuvidDecodePicture","nth":9,"status":999,"sticky":true}]"#;
    for (name, input) in [("decode", &whole), ("decode-cuvid", &whole), ("decode", &edited), ("decode-cuvid", &edited)]
    {
        let (status, reason) = check(name, input, fault);
        assert_eq!(status, "failed", "{name}: {reason}");
    }
}
