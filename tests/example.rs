//! The example that a user reads first, run as a user runs it.

#[path = "files/tools.rs"]
mod tools;
#[path = "support/example.rs"]
mod user;

use std::{fs, path::Path, process::Output};
use tools::*;
use user::files;

fn example(arguments: &[&str], folder: &Path) -> Output {
    user::example("nvenc_pipeline", arguments, folder)
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
    assert_eq!(files(folder.path()), ["text.mp4"], "no partial file is left");
}

#[test]
fn the_input_is_never_the_output_under_whatever_name() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    remux(&bare_stream(), &at("in.mp4")).unwrap();
    std::os::unix::fs::symlink("in.mp4", at("link.mp4")).unwrap();
    fs::hard_link(at("in.mp4"), at("hard.mp4")).unwrap();
    let before = (fs::read(at("in.mp4")).unwrap(), files(folder.path()));
    for output in ["in.mp4", "./in.mp4", "link.mp4", "hard.mp4"] {
        let output = example(&["--frames", "5", "--input", "in.mp4", "--output", output], folder.path());
        assert_eq!(output.status.code(), Some(1));
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.starts_with("error: ") && errors.contains("this is the input"), "{errors}");
    }
    assert!((fs::read(at("in.mp4")).unwrap(), files(folder.path())) == before);
}

#[test]
fn ctrl_c_ends_it_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--input", "in.ts", "--output", "out.mp4"];
    let begun = "unfinished-out.mp4/out.mp4";
    let output = user::interrupted("nvenc_pipeline", &arguments, folder.path(), &contained("ts"), begun);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{errors}");
    assert!(errors.ends_with("interrupted: nothing is written\n"), "{errors}");
    assert_eq!(files(folder.path()), ["in.ts"]);
}

#[test]
fn nobody_has_to_read_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let output = user::unread("nvenc_pipeline", &["--frames", "5", "--output", "out.mp4"], folder.path());
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && !errors.contains("panicked"), "{errors}");
    assert_eq!(files(folder.path()), ["out.mp4"]);
}

#[test]
fn the_streamers_session_changes_on_the_way_and_copies_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = user::example("streamer", &["--frames", "40", "--output", "out.h264"], folder.path());
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
