//! The example that a user reads first, run as a user runs it.

use std::{
    path::Path,
    process::{Command, Output},
};

fn example(arguments: &[&str], folder: &Path) -> Output {
    run("nvenc_pipeline", arguments, folder)
}

fn run(name: &str, arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet", "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")]);
    command.args(["--example", name, "--"]).args(arguments);
    command.current_dir(folder).output().unwrap()
}

#[test]
fn the_example_ends_with_its_cleanup_completed() {
    let folder = tempfile::tempdir().unwrap();
    let output = example(&["--frames", "25", "--output", "out.mp4"], folder.path());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.ends_with("Cleanup completed\n"), "{text}");
    assert!(text.contains("0 bytes host->device, 0 device->host"), "{text}");
    let path = folder.path().join("out.mp4");
    let mut file = avsluice::Demuxer::open(&path).unwrap();
    let video = file.video().unwrap();
    assert_eq!(file.packets(&video).map(Result::unwrap).count(), 25);
}

#[test]
fn an_error_is_one_line_and_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("text.mp4"), "no video").unwrap();
    let output = example(&["--input", "text.mp4", "--output", "out.mp4"], folder.path());
    assert!(!output.status.success());
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(errors.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{errors}");
    assert!(errors.contains("text.mp4"), "{errors}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["text.mp4"], "no partial file is left");
}

#[test]
fn the_streamers_session_changes_on_the_way_and_copies_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = run("streamer", &["--frames", "40", "--output", "out.h264"], folder.path());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    for part in [
        "before the new size: 30 in, 30 out, drained",
        "session: 10 in, 10 out, drained",
        "live: nothing",
        "0 host->device, 0 device->host, 0 device->device",
        "violations: 0",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let path = folder.path().join("out.h264");
    let mut file = avsluice::Demuxer::open(&path).unwrap();
    let video = file.video().unwrap();
    let packets: Vec<_> = file.packets(&video).map(Result::unwrap).collect();
    assert_eq!(packets.len(), 40);
    // The first, the one with the new bit rate, the one that was asked for, the first of the new size.
    let keyframes: Vec<_> = (0..40).filter(|index| packets[*index].is_keyframe()).collect();
    assert_eq!(keyframes, [0, 10, 20, 30]);
}
