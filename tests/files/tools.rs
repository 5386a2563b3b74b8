//! What the tests of files share: a real stream, FFmpeg's own programs to make and judge files, and a copy of a file.
#![allow(dead_code)] // each test program uses its own part

use avsluice::{Demuxer, Muxer, Packet, Result};
use std::{
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

/// 250 frames of 320x240 at 25 Hz with B pictures, as a bare H.264 stream: its packets have no times.
pub fn bare_stream() -> PathBuf {
    media::standard().path
}

/// One frame of 64x64: a file of a few kilobytes.
pub fn short_stream() -> PathBuf {
    media::h264().into_iter().find(|stream| stream.name == "64x64-I.h264").expect("media lists it").path
}

/// Copies the video stream and gives the number of packets.
pub fn remux(from: &Path, to: &Path) -> Result<usize> {
    let mut input = Demuxer::open(from)?;
    let video = input.video()?;
    let mut output = Muxer::create(to)?;
    let track = output.add_copy(&video)?;
    let mut output = output.open()?;
    let mut count = 0;
    for packet in input.packets(&video) {
        output.write(track, packet?)?;
        count += 1;
    }
    output.finish()?;
    Ok(count)
}

/// The H.264 NAL units of an Annex B stream that are slices of pictures; parameter sets may stand in other places after a copy.
pub fn slices(stream: &[u8]) -> Vec<Vec<u8>> {
    units(stream).into_iter().filter(|unit| matches!(unit[0] & 31, 1..=5)).map(<[u8]>::to_vec).collect()
}

/// The NAL units of an Annex B stream, without start codes.
pub fn units(stream: &[u8]) -> Vec<&[u8]> {
    let codes: Vec<_> = (0..stream.len().saturating_sub(3)).filter(|&i| stream[i..].starts_with(&[0, 0, 1])).collect();
    let ends = codes.iter().skip(1).copied().chain([stream.len()]);
    let unit = |(start, end): (&usize, usize)| {
        let end = stream[..end].iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        &stream[start + 3..end]
    };
    codes.iter().zip(ends).map(unit).collect()
}

/// Two seconds of picture and German sound.
pub fn sound_and_picture(dir: &Path, name: &str) -> PathBuf {
    let file = dir.join(name);
    let inputs = ["-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2"];
    let codecs = ["-c:v", "mpeg4", "-c:a", "aac", "-metadata:s:a:0", "language=deu"];
    ffmpeg(&[&inputs[..], &codecs].concat(), &file);
    file
}

/// Runs FFmpeg's program to make a file.
pub fn ffmpeg(arguments: &[&str], output: &Path) {
    run(Command::new("ffmpeg").args(["-v", "error", "-nostdin", "-y"]).args(arguments).arg(output));
}

/// What FFmpeg's ffprobe says, values alone. That it reads the file to its end without an error is part of the answer.
pub fn probe(arguments: &[&str], file: &Path) -> String {
    let output = run(Command::new("ffprobe").args(["-v", "error", "-of", "csv=p=0"]).args(arguments).arg(file));
    output.replace('\r', "")
}

fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output();
    let output =
        output.unwrap_or_else(|error| panic!("{command:?}: {error}: install FFmpeg's programs (package ffmpeg)"));
    let errors = String::from_utf8_lossy(&output.stderr);
    // What the bare stream itself makes FFmpeg say: a message to the decoder stands before its first parameter sets.
    let own = errors.lines().filter(|line| !line.ends_with("non-existing SPS 0 referenced in buffering period"));
    assert!(output.status.success() && own.count() == 0, "{command:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Set in the process that [`child`] starts.
pub const IN_CHILD: &str = "AVSLUICE_TEST_CHILD";

/// Runs one test of this program in another working folder.
pub fn child(dir: &Path) -> ExitStatus {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child_opens_names_with_a_colon"]).env(IN_CHILD, "1").current_dir(dir);
    command.stdout(Stdio::null()).status().unwrap()
}

/// Every packet of every stream.
pub fn read_all(path: &Path) -> Result<Vec<Packet>> {
    let mut input = Demuxer::open(path)?;
    std::iter::from_fn(|| input.read().transpose()).collect()
}

/// The standard stream in a container of that extension.
pub fn contained(extension: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(format!("in.{extension}"));
    remux(&bare_stream(), &path).unwrap();
    std::fs::read(path).unwrap()
}
