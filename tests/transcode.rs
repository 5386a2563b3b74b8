//! The transcoder of examples/, run as a user runs it: what it writes without loss is, picture by picture, what the ffmpeg program
//! decodes of its input.

#[path = "support/example.rs"]
mod example;
#[path = "files/tools.rs"]
mod tools;

use example::files;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::tempdir;
use tools::*;

fn transcode(arguments: &[&str], folder: &Path) -> Output {
    example::example("transcode", arguments, folder)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The hash of each picture that the ffmpeg program decodes, of the size that it has.
fn frames(path: &Path) -> Vec<String> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(path);
    command.args(["-map", "0:v:0", "-noautoscale", "-fps_mode", "passthrough", "-f", "framemd5", "-"]);
    let output = command.output().expect("the ffmpeg program: `cargo xtask test --setup` installs it");
    let text = text(&output.stdout);
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.rsplit(',').next().unwrap().trim().into())
        .collect()
}

/// `out.mkv`, and the parts that follow where the size changes.
fn parts(folder: &Path) -> Vec<PathBuf> {
    let rest = (2..).map(|number| folder.join(format!("out.{number}.mkv"))).take_while(|path| path.exists());
    std::iter::once(folder.join("out.mkv")).chain(rest).collect()
}

#[test]
fn every_stream_comes_out_as_the_ffmpeg_program_decodes_it() {
    for stream in media::all() {
        let folder = tempdir().unwrap();
        let input = stream.path.to_str().unwrap();
        let output = transcode(&[input, "out.mkv,encoder=ffv1"], folder.path());
        assert!(output.status.success(), "{}: {}", stream.name, text(&output.stderr));
        let found: Vec<_> = parts(folder.path()).iter().flat_map(|part| frames(part)).collect();
        let due = frames(&stream.path);
        assert_eq!(due.len(), stream.frame_count, "{}", stream.name);
        assert!(found == due, "{}: {} of {} frames", stream.name, found.len(), due.len());
        let report = text(&output.stdout);
        assert!(
            report.contains(&format!("{} in, {0} out, drained", due.len())) || parts(folder.path()).len() > 1,
            "{report}"
        );
        if stream.name.starts_with("resolution_change") {
            assert!(parts(folder.path()).len() > 1, "a size that changes is a part of its own");
        }
    }
}

#[test]
fn one_decode_feeds_several_outputs_and_sound_is_copied() {
    let folder = tempdir().unwrap();
    let input = sound_and_picture(folder.path(), "in.mkv");
    let outputs = [
        "lossless.mkv,encoder=ffv1",
        "small.mp4,bit_rate=100k,gop=10,preset=ultrafast",
        "other.mp4,encoder=mpeg4,bit_rate=1M",
    ];
    let arguments = [&["in.mkv"][..], &outputs].concat();
    let output = transcode(&arguments, folder.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(files(folder.path()), ["in.mkv", "lossless.mkv", "other.mp4", "small.mp4"]);
    assert_eq!(frames(&folder.path().join("lossless.mkv")), frames(&input));
    let sound = |path: &Path| -> Vec<Vec<u8>> {
        let packets = read_all(path).unwrap();
        packets.iter().filter(|packet| packet.stream() == 1).map(|packet| packet.data().to_vec()).collect()
    };
    let due = sound(&input);
    assert!(due.len() > 50);
    for name in ["lossless.mkv", "small.mp4", "other.mp4"] {
        assert_eq!(frames(&folder.path().join(name)).len(), 50, "{name}");
        assert!(sound(&folder.path().join(name)) == due, "{name}: the sound is a copy");
    }
    let keyframes = |name: &str| {
        let packets = read_all(&folder.path().join(name)).unwrap();
        packets.iter().filter(|packet| packet.stream() == 0 && packet.is_keyframe()).count()
    };
    assert!(keyframes("small.mp4") >= 5);
}

#[test]
fn a_truncated_file_is_transcoded_as_far_as_it_goes_and_that_is_said() {
    let folder = tempdir().unwrap();
    let whole = folder.path().join("whole.mkv");
    remux(&bare_stream(), &whole).unwrap();
    let bytes = fs::read(&whole).unwrap();
    let cut = folder.path().join("cut.mkv");
    fs::write(&cut, &bytes[..bytes.len() * 2 / 3]).unwrap();
    let output = transcode(&["cut.mkv", "out.mkv,encoder=ffv1"], folder.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let (found, due) = (frames(&folder.path().join("out.mkv")), frames(&cut));
    assert!(found == due && due.len() > 100 && due.len() < 250);
    assert!(text(&output.stdout).contains("input: it ends before its time"), "{}", text(&output.stdout));
}

/// The one error of a run that fails, which leaves nothing behind.
fn error_of(arguments: &[&str], folder: &Path) -> String {
    let before = files(folder);
    let output = transcode(arguments, folder);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output.stdout));
    assert_eq!(files(folder), before, "{arguments:?} left something behind");
    let errors = text(&output.stderr);
    let lines: Vec<_> = errors.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(lines.len(), 1, "{arguments:?}: {errors}");
    lines[0].to_string()
}

#[test]
fn what_is_wrong_is_one_error_and_nothing_is_left() {
    let folder = tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("text.mp4"), "no video").unwrap();
    fs::create_dir(at.join("folder.mp4")).unwrap();
    ffmpeg(&["-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac"], &at.join("sound.mp4"));
    ffmpeg(&["-f", "lavfi", "-i", "testsrc2=s=64x64:d=1", "-c:v", "mpeg4"], &at.join("in.mp4"));
    std::os::unix::fs::symlink("in.mp4", at.join("link.mp4")).unwrap();
    fs::hard_link(at.join("in.mp4"), at.join("hard.mp4")).unwrap();
    let cases: [(&[&str], &str); 13] = [
        (&["none.mp4", "out.mp4"], "there is no such file"),
        (&["folder.mp4", "out.mp4"], "directory"),
        (&["text.mp4", "out.mp4"], "text.mp4"),
        (&["sound.mp4", "out.mp4"], "no video, only audio (aac)"),
        (&["in.mp4", "in.mp4"], "this is the input"),
        (&["in.mp4", "out.xyz"], ".xyz"),
        (&["in.mp4", "none/out.mp4"], "no such folder"),
        (&["in.mp4", "link.mp4"], "this is the input"),
        (&["in.mp4", "hard.mp4"], "this is the input"),
        (&["in.mp4", "out.mp4,prest=fast"], "did you mean `preset`?"),
        (&["in.mp4", "good.mkv,encoder=ffv1", "bad.mp4,encoder=no_such"], "bad.mp4: "),
        (&["in.mp4", "out.mp4,bit_rate=fast"], "a bit rate is 800k"),
        (&["in.mp4", "good.mkv,encoder=ffv1", "out.webm,encoder=mpeg4"], "out.webm"),
    ];
    for (arguments, expected) in cases {
        let error = error_of(arguments, at);
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_and_leaves_nothing() {
    let folder = tempdir().unwrap();
    let begun = "unfinished-out.mkv/out.mkv";
    let arguments = ["in.ts", "out.mkv,encoder=ffv1"];
    let output = example::interrupted("transcode", &arguments, folder.path(), &contained("ts"), begun);
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("interrupted: nothing is written"));
    assert_eq!(files(folder.path()), ["in.ts"]);
}

#[test]
fn nobody_has_to_read_its_report() {
    let folder = tempdir().unwrap();
    let input = bare_stream();
    let output = example::unread("transcode", &[input.to_str().unwrap(), "out.mkv,preset=ultrafast"], folder.path());
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    assert_eq!(files(folder.path()), ["out.mkv"]);
}

/// The playlist and the names of its segments go together; and none is left where another output fails.
#[test]
fn the_segments_of_a_playlist_have_its_name() {
    let folder = tempdir().unwrap();
    let input = bare_stream();
    let hls = "out.m3u8,preset=ultrafast,gop=50";
    let output = transcode(&[input.to_str().unwrap(), hls], folder.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let names = files(folder.path());
    assert!(names.contains(&"out0.ts".into()) && names.iter().all(|name| name.starts_with("out")), "{names:?}");
    assert_eq!(frames(&folder.path().join("out.m3u8")).len(), 250);
    let folder = tempdir().unwrap();
    error_of(&[input.to_str().unwrap(), hls, "bad.mp4,encoder=no_such"], folder.path());
}

#[test]
fn another_runs_folder_is_left_alone() {
    let folder = tempdir().unwrap();
    fs::create_dir(folder.path().join("unfinished-out.mkv")).unwrap();
    let input = bare_stream();
    let error = error_of(&[input.to_str().unwrap(), "out.mkv,preset=ultrafast"], folder.path());
    assert!(error.contains("unfinished-out.mkv: another run writes here"), "{error}");
}
