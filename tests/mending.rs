//! The times of a copied stream that overlap or go back are mended as the ffmpeg program does it, counted and told.

#[path = "files/tools.rs"]
mod tools;

use avsluice::{BitstreamFilter, Demuxer, ErrorKind, MuxReport, Muxer, Packet, Stream, TimeBase};
use std::{
    path::Path,
    process::Command,
    sync::{Mutex, Once},
};
use tempfile::tempdir;
use tools::*;

/// Warnings of this program's, from any thread.
static WARNINGS: Mutex<Vec<String>> = Mutex::new(Vec::new());
struct Logger;
impl log::Log for Logger {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() == log::Level::Warn
    }
    fn log(&self, record: &log::Record<'_>) {
        WARNINGS.lock().unwrap().push(record.args().to_string());
    }
    fn flush(&self) {}
}

fn warnings_of(name: &str) -> Vec<String> {
    WARNINGS
        .lock()
        .unwrap()
        .iter()
        .filter(|line| line.contains(name) && line.contains("decoding time"))
        .cloned()
        .collect()
}

fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Logger).unwrap();
        log::set_max_level(log::LevelFilter::Warn);
    });
}

/// Copies the video with a filter that spoils its times.
fn copy(from: &Path, to: &Path, spoil: &str) -> MuxReport {
    let mut input = Demuxer::open(from).unwrap();
    let video = input.video().unwrap();
    let mut filter = BitstreamFilter::new(spoil, &video).unwrap();
    let mut output = Muxer::create(to).unwrap();
    let track = output.add_copy(filter.stream()).unwrap();
    let mut output = output.open().unwrap();
    filter.packets(input.packets(&video)).for_each(|packet| output.write(track, packet.unwrap()).unwrap());
    output.finish().unwrap()
}

/// Presentation and decoding times, counted from the first decoding time.
fn times(file: &Path) -> Vec<[i64; 2]> {
    // Not `probe`: a stream with odd times makes ffprobe warn.
    let arguments = ["-v", "error", "-of", "csv=p=0", "-select_streams", "v", "-show_entries", "packet=pts,dts"];
    let output = Command::new("ffprobe").args(arguments).arg(file).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers = |line: &str| {
        let mut fields =
            line.split(',').filter(|field| !field.trim().is_empty()).map(|field| field.trim().parse().unwrap());
        [fields.next().unwrap(), fields.next().unwrap()]
    };
    let times: Vec<[i64; 2]> = text.lines().filter(|line| !line.trim().is_empty()).map(numbers).collect();
    let start = times[0][1];
    times.into_iter().map(|time| time.map(|ticks| ticks - start)).collect()
}

#[test]
fn times_that_overlap_are_mended_as_the_ffmpeg_program_does() {
    listen();
    let dir = tempdir().unwrap();
    let source = sound_and_picture(dir.path(), "in.mkv");
    let (ours, theirs) = (dir.path().join("ours.ts"), dir.path().join("theirs.ts"));
    // Far back, whatever the ticks are that the program's filter counts in; the last picture is shown before it is decoded.
    let spoil = "setts=pts=PTS-20000*not(N-40):dts=DTS-20000*not(N-10)-30000*not(N-20)-40000*not(N-30)";
    let report = copy(&source, &ours, spoil);
    ffmpeg(&["-v", "quiet", "-i", source.to_str().unwrap(), "-map", "v", "-c", "copy", "-bsf:v", spoil], &theirs);
    assert_eq!(times(&ours), times(&theirs));
    assert_eq!((report.tracks[0].packets, report.tracks[0].mended), (50, 4));
    assert_eq!(report.to_string(), "track 0 (mpeg4: 50 packets, the times of 4 mended)");
    let said = warnings_of("ours.ts");
    assert_eq!(said.len(), 1, "once a track: {said:?}");
    assert!(said[0].contains("track 0: mpeg4"), "{said:?}");
}

#[test]
fn files_that_overlap_by_a_little_are_joined() {
    listen();
    let dir = tempdir().unwrap();
    let source = sound_and_picture(dir.path(), "in.mkv");
    let joined = dir.path().join("joined.mp4");
    let mut inputs = [Demuxer::open(&source).unwrap(), Demuxer::open(&source).unwrap()];
    let streams = inputs[0].streams().to_vec();
    let mut output = Muxer::create(&joined).unwrap();
    let tracks: Vec<_> = streams.iter().map(|stream| output.add_copy(stream).unwrap()).collect();
    let mut output = output.open().unwrap();
    let mut counts = [0; 2];
    for (input, start) in inputs.iter_mut().zip([0, 1990]) {
        while let Some(mut packet) = input.read().unwrap() {
            let (pts, dts) = (packet.pts().unwrap(), packet.dts().unwrap_or(packet.pts().unwrap()));
            packet.set_pts(pts + start);
            packet.set_dts(dts + start);
            let index = packet.stream();
            counts[index] += 1;
            output.write(tracks[index], packet.trusted()).unwrap();
        }
    }
    let before = output.report();
    assert!(before.tracks.iter().zip(counts).all(|(track, count)| track.packets == count));
    let report = output.finish().unwrap();
    assert_eq!(report, before);
    assert!(report.tracks[1].mended > 0, "{report}");
    assert_eq!(report.mended(), report.tracks[0].mended + report.tracks[1].mended);
    assert_eq!(read_all(&joined).unwrap().len() as u64, counts.iter().sum::<u64>());
    for index in 0..2 {
        assert!(warnings_of(&format!("joined.mp4: track {index}:")).len() <= 1);
    }
}

#[test]
fn a_copy_that_is_in_order_is_left_as_it_is() {
    listen();
    let dir = tempdir().unwrap();
    let source = dir.path().join("source.mp4");
    // Pictures out of order.
    remux(&bare_stream(), &source).unwrap();
    let copied = dir.path().join("copied.mp4");
    let mut input = Demuxer::open(&source).unwrap();
    let video = input.video().unwrap();
    let mut output = Muxer::create(&copied).unwrap();
    let track = output.add_copy(&video).unwrap();
    let mut output = output.open().unwrap();
    input.packets(&video).for_each(|packet| output.write(track, packet.unwrap()).unwrap());
    let report = output.finish().unwrap();
    assert_eq!((report.track(track).unwrap().packets, report.mended()), (250, 0));
    assert_eq!(times(&copied), times(&source));
    assert!(warnings_of("copied.mp4").is_empty());
}

#[test]
fn subtitles_that_begin_together_stay_together() {
    listen();
    let dir = tempdir().unwrap();
    let path = dir.path().join("out.mkv");
    let stream = Stream::of_packets("subrip", TimeBase::hz(1000)).unwrap();
    let mut output = Muxer::create(&path).unwrap();
    let track = output.add_copy(&stream).unwrap();
    let mut output = output.open().unwrap();
    for (time, text) in [(0, "one"), (500, "two"), (500, "three")] {
        let mut packet = Packet::new(text.as_bytes()).unwrap();
        packet.set_pts(time);
        packet.set_duration(1000);
        output.write(track, packet).unwrap();
    }
    assert_eq!(output.finish().unwrap().mended(), 0);
    let found: Vec<_> = read_all(&path).unwrap().iter().map(|packet| packet.pts().unwrap()).collect();
    assert_eq!(found, [0, 500, 500]);
}

#[test]
fn sound_that_says_too_little_is_refused_by_name_and_the_rest_is_copied() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("out.mkv");
    let mut input = Demuxer::open(sound_and_picture(dir.path(), "in.mkv")).unwrap();
    let video = input.video().unwrap();
    let mut output = Muxer::create(&path).unwrap();
    let unknown = Stream::of_packets("aac", TimeBase::hz(48_000)).unwrap();
    let error = output.add_copy(&unknown).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidSetting { name: "sample_rate".into() });
    let told = error.explanation().unwrap();
    assert!(told.contains("out.mkv: stream 0 (aac)") && told.contains("leave this stream out"), "{told}");
    let track = output.add_copy(&video).unwrap();
    output.add_copy(&input.streams()[1]).unwrap();
    let mut output = output.open().unwrap();
    input.packets(&video).for_each(|packet| output.write(track, packet.unwrap()).unwrap());
    assert_eq!(output.finish().unwrap().tracks.iter().map(|track| track.packets).collect::<Vec<_>>(), [50, 0]);
}
