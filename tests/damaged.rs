//! Truncated and damaged files: every frame that the ffmpeg program gives, bit by bit, and a report of what was lost.

#[path = "files/tools.rs"]
mod tools;

mod support;

use avsluice::{Decoder, Demuxer, ErrorKind, Frame, Outcome, Packet, Stream, System, TeardownReport, TimeBase};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use support::md5;
use tempfile::tempdir;
use tools::*;

/// What the ffmpeg program decodes, as hashes of NV12 pictures of the size that they have.
fn by_ffmpeg(path: &Path) -> Vec<String> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "quiet", "-threads", "1", "-i"]).arg(path).args(["-map", "0:v:0", "-noautoscale"]);
    command.args(["-fps_mode", "passthrough", "-pix_fmt", "nv12", "-f", "framemd5", "-"]);
    let output = command.output().expect("the ffmpeg program: `cargo xtask test --setup` installs it");
    // A damaged file may end it with an error, behind what it could decode.
    let text = String::from_utf8(output.stdout).unwrap();
    let hash = |line: &str| line.rsplit(',').next().unwrap().trim().to_string();
    text.lines().filter(|line| !line.starts_with('#')).map(hash).collect()
}

struct Decoded {
    hashes: Vec<String>,
    /// Errors of reading that were passed over.
    unread: usize,
    early_end: Option<String>,
    report: TeardownReport,
}

/// What a decoder's frames are done with.
#[derive(Clone, Copy, PartialEq)]
enum Frames {
    /// Their memory is the next frame's.
    Dropped,
    /// Each has memory of its own, which was zero.
    Kept,
}

/// What avsluice decodes: errors of reading are counted, and what comes behind them is taken.
fn by_avsluice(path: &Path, frames: Frames) -> avsluice::Result<Decoded> {
    let mut input = Demuxer::open(path)?;
    let video = input.video()?;
    let mut decoder = Decoder::new(System, &video).threads(1).open()?;
    let (mut hashes, mut unread, mut kept) = (Vec::new(), 0, Vec::new());
    let mut take = |frame: Frame<'static, System>| {
        hashes.push(md5(&frame));
        kept.extend((frames == Frames::Kept).then_some(frame));
    };
    for packet in input.packets(&video) {
        match packet {
            Ok(packet) => {
                for frame in decoder.send(packet)? {
                    take(frame?);
                }
            }
            Err(_) if unread < 100 => unread += 1,
            Err(error) => return Err(error),
        }
    }
    let mut rest = decoder.flush()?;
    while let Some(frame) = rest.receive()? {
        take(frame);
    }
    let early_end = input.early_end().map(str::to_string);
    Ok(Decoded { hashes, unread, early_end, report: rest.abandon().free() })
}

/// Streams of several codecs in containers of several kinds.
fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut sources = Vec::new();
    for extension in ["mp4", "mkv", "ts", "h264"] {
        let path = dir.join(format!("standard.{extension}"));
        remux(&bare_stream(), &path).unwrap();
        sources.push(path);
    }
    let named = |name: &str| media::all().into_iter().find(|stream| stream.name == name).expect("media lists it").path;
    for (name, copy) in [("test-25fps.h265", "hevc.mkv"), ("test-25fps.vp9", "vp9.ivf"), ("test-25fps.vp8", "vp8.ivf")]
    {
        let path = dir.join(copy);
        if copy.ends_with("mkv") {
            remux(&named(name), &path).unwrap();
        } else {
            fs::copy(named(name), &path).unwrap();
        }
        sources.push(path);
    }
    sources
}

/// Compares each frame; but where a damaged picture leaves rows unwritten, they are what was in its memory before, which is no more FFmpeg's
/// word than ours: those frames differ with the memory that they are given.
fn compare(path: &Path, what: &str) -> Option<Decoded> {
    let due = by_ffmpeg(path);
    match by_avsluice(path, Frames::Dropped) {
        Ok(decoded) if decoded.hashes == due => Some(decoded),
        Ok(decoded) => {
            let other = by_avsluice(path, Frames::Kept).unwrap().hashes;
            let count = decoded.hashes.len();
            assert!(count == due.len() && count == other.len(), "{what}: {count} frames, ffmpeg gives {}", due.len());
            let written = |index: &usize| decoded.hashes[*index] == other[*index];
            let differs = (0..count).filter(written).find(|index| decoded.hashes[*index] != due[*index]);
            assert!(differs.is_none(), "{what}: frame {differs:?} of {count} is another");
            Some(decoded)
        }
        Err(error) => {
            assert_eq!(due.len(), 0, "{what}: {error}, and ffmpeg gives frames");
            let known = matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::NoStream | ErrorKind::Unsupported);
            assert!(known, "{what}: {error:?}");
            None
        }
    }
}

#[test]
fn a_truncated_file_gives_what_ffmpeg_gives_and_says_that_it_was_cut() {
    let dir = tempdir().unwrap();
    let mut told = 0;
    for source in sources(dir.path()) {
        let name = source.file_name().unwrap().to_string_lossy().into_owned();
        let whole = fs::read(&source).unwrap();
        let full = compare(&source, &name).expect("a whole file");
        assert!(full.early_end.is_none() && full.report.damaged == 0 && full.unread == 0, "{name} is whole");
        for part in [1, 7, 23, 50, 77, 99] {
            let path = dir.path().join(format!("cut-{name}"));
            fs::write(&path, &whole[..whole.len() * part / 100]).unwrap();
            let what = format!("{part} % of {name}");
            if let Some(cut) = compare(&path, &what) {
                assert!(cut.hashes.len() <= full.hashes.len(), "{what}");
                told += usize::from(cut.early_end.is_some() || cut.report.damaged > 0 || cut.unread > 0);
            }
        }
    }
    // Bare streams and IVF tell nothing when they end between packets; the others do.
    assert!(told >= 18, "{told} of 42 said that they were cut");
}

#[test]
fn a_damaged_file_gives_what_ffmpeg_gives_and_counts_what_was_lost() {
    let dir = tempdir().unwrap();
    let (mut files, mut counted) = (0, 0);
    for source in sources(dir.path()) {
        let name = source.file_name().unwrap().to_string_lossy().into_owned();
        let whole = fs::read(&source).unwrap();
        for seed in 0..8u64 {
            let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(whole.len() as u64);
            let mut next = |below: usize| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) as usize % below
            };
            let mut damaged = whole.clone();
            for _ in 0..1 + next(20) {
                // Bytes in a row, as a bad sector or a lost packet has them; the header is left, for it decides what a file is.
                let (place, length) = (2000 + next(whole.len() - 4000), 1 + next(300));
                let with = next(256) as u8;
                damaged[place..place + length].iter_mut().for_each(|byte| *byte ^= with);
            }
            let path = dir.path().join(format!("damaged-{name}"));
            fs::write(&path, &damaged).unwrap();
            let what = format!("{name} with damage {seed}");
            if let Some(decoded) = compare(&path, &what) {
                files += 1;
                assert!(matches!(decoded.report.outcome, Outcome::Drained), "{what}");
                let lost = decoded.report.damaged > 0 || decoded.unread > 0 || !decoded.report.log.is_empty();
                counted += usize::from(lost || decoded.early_end.is_some());
            }
        }
    }
    assert!(files >= 50 && counted * 10 >= files * 8, "{counted} of {files} reports told of the damage");
}

/// A source that never ends and never gives a picture: each call comes back.
#[test]
fn a_source_without_an_end_and_without_pictures_gives_an_error() {
    let stream = Stream::of_packets("h264", TimeBase::hz(25)).unwrap().with_size(64, 64).unwrap();
    let mut taken = 0;
    // It ends after all, should nobody stop: a test must.
    let packets = std::iter::from_fn(|| {
        taken += 1;
        (taken <= 20_000).then(|| Packet::new(&[0, 0, 1, 0x65, 0xFF, 0, 0xFF]))
    });
    let mut frames = Decoder::new(System, &stream).threads(1).open().unwrap().frames(packets);
    for _ in 0..2 {
        let error = frames.next().expect("it does not end").map(drop).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::NoFrame, "{error}");
    }
    drop(frames);
    assert_eq!(taken, 2 * 4096);
}
