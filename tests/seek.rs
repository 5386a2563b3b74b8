//! Seeking: the place and the decoder's reset are one step, and the frame that is asked for is the frame that comes.

#[path = "files/tools.rs"]
mod tools;

mod support;

use avsluice::{
    AsDevice, BitstreamFilter, Cuda, Decoder, Demuxer, Device, DeviceMemory, ErrorKind, Frame, FramePool, Memory,
    Result, System,
    decode::{Frames, Output},
    demux::{Packets, Seek, Seeks, Time},
};
use std::{
    collections::BTreeMap,
    io::Cursor,
    path::{Path, PathBuf},
    time::Duration,
};
use support::{md5, simulated, simulated_vaapi};
use tempfile::tempdir;
use tools::*;

/// Files of 250 pictures with a keyframe each second or so, in containers of different kinds.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for extension in ["mp4", "mkv", "ts", "avi"] {
        let path = dir.join(format!("h264.{extension}"));
        remux(&bare_stream(), &path).unwrap();
        files.push(path);
    }
    let lavfi = ["-f", "lavfi", "-i", "testsrc2=s=160x120:r=30000/1001:d=5"];
    for (codec, name) in [
        (&["-c:v", "libx264", "-g", "30", "-bf", "3"][..], "x264.mp4"),
        (&["-c:v", "libx264", "-g", "30", "-bf", "3", "-x264-params", "open-gop=1"], "open.mkv"),
        (&["-c:v", "mpeg2video", "-g", "12", "-bf", "2"], "mpeg2.ts"),
        (&["-c:v", "mpeg4", "-g", "20", "-bf", "2"], "mpeg4.mp4"),
    ] {
        let path = dir.join(name);
        ffmpeg(&[&lavfi[..], codec].concat(), &path);
        files.push(path);
    }
    files
}

fn frames<'d, M: Memory>(on: impl AsDevice<'d, Memory = M>, path: &Path) -> Frames<'d, M, Packets<Demuxer>> {
    let input = Demuxer::open(path).unwrap();
    let video = input.video().unwrap();
    Decoder::new(on, &video).open().unwrap().frames(input.into_packets(&video))
}

/// The hash of each frame, by its time, in the order in which they are shown.
fn linear<'d, Y: Output>(
    frames: impl Iterator<Item = Result<Y::Frame<'d>>>,
    hash: impl Fn(Y::Frame<'d>) -> (i64, String),
) -> Vec<(i64, String)> {
    frames.map(|frame| hash(frame.unwrap())).collect()
}

fn of_system(frame: Frame<'static, System>) -> (i64, String) {
    (frame.pts().unwrap(), md5(&frame))
}

/// Indices in an order that goes to and fro, the ends among them.
fn to_and_fro(count: usize) -> impl Iterator<Item = usize> {
    [0, count - 1, 0, count / 2, count / 2 - 1, count / 2 + 1]
        .into_iter()
        .chain((0..25).map(move |i| (i * 97 + 31) % count))
}

#[test]
fn the_frame_that_is_sought_is_the_frame_that_comes() {
    let dir = tempdir().unwrap();
    for path in files(dir.path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let all = linear::<System>(frames(System, &path), of_system);
        assert!(all.len() >= 149, "{name}: {}", all.len());
        let mut player = frames(System, &path);
        for index in to_and_fro(all.len()) {
            player.seek_exact(Time::Ticks(all[index].0)).unwrap_or_else(|error| panic!("{name} {index}: {error}"));
            let found: Vec<_> = player.by_ref().take(3).map(|frame| of_system(frame.unwrap())).collect();
            let due = &all[index..(index + 3).min(all.len())];
            assert!(found == due, "{name}: frame {index} at {}: {:?}, not {:?}", all[index].0, &found, due);
        }
    }
}

#[test]
fn a_time_between_frames_gives_the_one_that_is_shown_then() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("in.mp4");
    remux(&bare_stream(), &path).unwrap();
    let all = linear::<System>(frames(System, &path), of_system);
    let mut player = frames(System, &path);
    let mut at = |time: Duration| {
        player.seek_exact(time).unwrap();
        of_system(player.next().unwrap().unwrap())
    };
    // 25 frames a second: frame 10 from 400 to 440 ms.
    for (milliseconds, index) in [(0, 0), (39, 0), (40, 1), (400, 10), (439, 10), (440, 11), (9_960, 249), (9_999, 249)]
    {
        assert!(at(Duration::from_millis(milliseconds)) == all[index], "{milliseconds} ms is not frame {index}");
    }
    let error = player.seek_exact(Duration::from_secs(11)).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NoFrame, "{error}");
    // And it goes on from there.
    player.seek_exact(Duration::ZERO).unwrap();
    assert_eq!(player.count(), all.len());
}

#[test]
fn a_bare_stream_is_sought_from_its_start() {
    let all = linear::<System>(frames(System, &bare_stream()), of_system);
    let mut player = frames(System, &bare_stream());
    for index in [100, 3, 249] {
        player.seek_exact(Time::Ticks(all[index].0)).unwrap();
        assert!(of_system(player.next().unwrap().unwrap()) == all[index], "{index}");
    }
    let mut input = Demuxer::open(bare_stream()).unwrap();
    let video = input.video().unwrap();
    let error = input.seek(&video, Seek::before(Duration::from_secs(1)), &mut ()).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unsupported, "{error:?}");
    input.seek(&video, Seek::Start, &mut ()).unwrap();
    assert_eq!(input.packets(&video).count(), 250);
}

#[test]
fn what_is_read_from_can_be_a_reader() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("in.mkv");
    remux(&bare_stream(), &path).unwrap();
    let all = linear::<System>(frames(System, &path), of_system);
    let bytes = std::fs::read(&path).unwrap();
    let input = Demuxer::from_read_seek(Cursor::new(bytes.clone())).unwrap();
    let video = input.video().unwrap();
    let mut player = Decoder::new(System, &video).open().unwrap().frames(input.into_packets(&video));
    for index in [200, 5, 120] {
        player.seek_exact(Time::Ticks(all[index].0)).unwrap();
        assert!(of_system(player.next().unwrap().unwrap()) == all[index], "{index}");
    }
    // One that goes forward alone goes nowhere else, and says so.
    let mut input = Demuxer::from_read(Cursor::new(bytes)).unwrap();
    let video = input.video().unwrap();
    let packets = input.packets(&video).count();
    assert_eq!(packets, 250);
    let error = input.seek(&video, Seek::before(Duration::ZERO), &mut ()).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unsupported, "{error:?}");
}

#[test]
fn keyframes_before_and_after_a_time_are_found() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("in.mp4");
    ffmpeg(
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=160x120:r=25:d=6",
            "-c:v",
            "libx264",
            "-g",
            "25",
            "-sc_threshold",
            "0",
            "-bf",
            "0",
        ],
        &path,
    );
    let mut input = Demuxer::open(&path).unwrap();
    let video = input.video().unwrap();
    let mut first = |to| {
        input.seek(&video, to, &mut ()).unwrap();
        let packet = input.packets(&video).next().unwrap().unwrap();
        assert!(packet.is_keyframe(), "{to:?}");
        video.time_base().seconds(packet.pts().unwrap())
    };
    let second = Duration::from_secs;
    assert_eq!(first(Seek::before(second(3))), 3.0);
    assert_eq!(first(Seek::before(Duration::from_millis(2999))), 2.0);
    assert_eq!(first(Seek::after(Duration::from_millis(2001))), 3.0);
    assert_eq!(first(Seek::after(second(4))), 4.0);
    assert_eq!(first(Seek::Start), 0.0);
    assert_eq!(first(Seek::before(Time::Ticks(0))), 0.0);
}

#[test]
fn h49_a_decoder_that_was_not_reset_takes_no_packet_of_another_place() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("in.mp4");
    remux(&bare_stream(), &path).unwrap();
    let mut input = Demuxer::open(&path).unwrap();
    let video = input.video().unwrap();
    let mut decoder = Decoder::new(System, &video).open().unwrap();
    for packet in input.packets(&video).take(60).collect::<Vec<_>>() {
        decoder.send(packet.unwrap()).unwrap().for_each(drop);
    }
    input.seek(&video, Seek::Start, &mut ()).unwrap();
    let packet = input.packets(&video).next().unwrap().unwrap();
    let failed = decoder.send(packet).unwrap_err();
    assert_eq!(*failed.kind(), ErrorKind::NotReset);
    // The packet is back, and goes in after the reset.
    decoder.reset();
    decoder.send(failed.into_value()).unwrap().for_each(drop);
    // In one step, with several that have packets inside.
    let mut filter = BitstreamFilter::new("null", &video).unwrap();
    input.seek(&video, Seek::Start, &mut (&mut decoder, &mut filter)).unwrap();
    let mut count = 0;
    for packet in filter.packets(input.packets(&video)) {
        count += decoder.send(packet.unwrap().trusted()).unwrap().map(Result::unwrap).count();
    }
    count += {
        let mut rest = decoder.flush().unwrap();
        std::iter::from_fn(|| rest.receive().unwrap()).count()
    };
    assert_eq!(count, 250, "pictures of one place alone");
}

#[test]
fn a_seek_that_fails_has_reset_all_the_same() {
    let mut input = Demuxer::open(bare_stream()).unwrap();
    let video = input.video().unwrap();
    let mut decoder = Decoder::new(System, &video).open().unwrap();
    for packet in input.packets(&video).take(20).collect::<Vec<_>>() {
        decoder.send(packet.unwrap()).unwrap().for_each(drop);
    }
    input.seek(&video, Seek::before(Duration::from_secs(1)), &mut decoder).unwrap_err();
    let packet = input.packets(&video).next().unwrap().unwrap();
    decoder.send(packet).unwrap().for_each(drop);
}

#[test]
fn a_stream_is_read_again_after_its_end_in_packets_and_in_filtered_ones() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("in.mp4");
    remux(&bare_stream(), &path).unwrap();
    let all = linear::<System>(frames(System, &path), of_system);
    let mut player = frames(System, &path);
    for _ in 0..3 {
        assert!(linear::<System>(player.by_ref(), of_system) == all);
        assert!(player.next().is_none());
        player.seek(Seek::Start).unwrap();
    }
    let mut input = Demuxer::open(&path).unwrap();
    let video = input.video().unwrap();
    let mut filter = BitstreamFilter::new("h264_mp4toannexb", &video).unwrap();
    let stream = filter.stream().clone();
    let mut player = Decoder::new(System, &stream).open().unwrap().frames(filter.packets(input.packets(&video)));
    for index in [249, 0, 77] {
        player.seek_exact(Time::Ticks(all[index].0)).unwrap();
        assert!(of_system(player.next().unwrap().unwrap()) == all[index], "{index}");
        assert_eq!(player.by_ref().count(), all.len() - index - 1);
    }
}

/// The same on a device: each frame that is sought is bit by bit that of a decoding from the start in software.
fn on_a_device<M: DeviceMemory>(device: &Device<M>, decoder: Option<&str>, path: &Path) {
    let due: BTreeMap<i64, String> = linear::<System>(frames(System, path), of_system).into_iter().collect();
    let input = Demuxer::open(path).unwrap();
    let video = input.video().unwrap();
    let mut configured = Decoder::new(device, &video);
    if let Some(name) = decoder {
        configured = configured.codec(name);
    }
    let mut player = configured.open().unwrap().frames(input.into_packets(&video));
    let pts: Vec<_> = due.keys().copied().collect();
    let pool: FramePool<'_, System> = player.pool().unwrap().host();
    assert_eq!(pool.format().width, video.width());
    for index in to_and_fro(pts.len()).take(12) {
        player.seek_exact(Time::Ticks(pts[index])).unwrap_or_else(|error| panic!("{decoder:?} {index}: {error}"));
        for place in index..(index + 2).min(pts.len()) {
            let frame = player.next().unwrap().unwrap();
            assert_eq!(frame.pts(), Some(pts[place]), "{decoder:?} {index}");
            assert!(md5(&frame.download().unwrap()) == due[&pts[place]], "{decoder:?}: frame {place}");
        }
    }
    // To the end, and once more.
    player.seek(Seek::Start).unwrap();
    assert_eq!(player.by_ref().count(), pts.len());
    player.seek(Seek::Start).unwrap();
    assert_eq!(player.by_ref().count(), pts.len());
    drop(player.close().free());
}

#[test]
fn frames_are_found_on_the_simulated_nvidia_driver() {
    simulated("frames_are_found_on_the_simulated_nvidia_driver", |_| {
        let dir = tempdir().unwrap();
        let path = dir.path().join("in.mp4");
        remux(&bare_stream(), &path).unwrap();
        let device: Device<Cuda> = Device::cuda(0).unwrap();
        for decoder in [None, Some("h264_cuvid")] {
            on_a_device(&device, decoder, &path);
        }
        device.close().unwrap();
    });
}

#[test]
fn frames_are_found_on_the_simulated_va_api_driver() {
    simulated_vaapi("frames_are_found_on_the_simulated_va_api_driver", |_| {
        let dir = tempdir().unwrap();
        let path = dir.path().join("in.mp4");
        remux(&bare_stream(), &path).unwrap();
        let device = Device::vaapi(simgpu::va::NODE).unwrap();
        on_a_device(&device, None, &path);
        device.close().unwrap();
    });
}

/// A source of packets of one's own that can be sought.
struct Mine(Packets<Demuxer>, usize);
impl Iterator for Mine {
    type Item = Result<avsluice::Packet>;
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}
impl Seeks for Mine {
    fn seek_to(&mut self, to: Seek) -> Result<()> {
        self.1 += 1;
        self.0.seek_to(to)
    }
    fn ticks(&self, time: Time) -> i64 {
        self.0.ticks(time)
    }
    fn ticks_in_a_second(&self) -> i64 {
        self.0.ticks_in_a_second()
    }
}

#[test]
fn a_damaged_place_is_left_behind_by_a_seek() {
    // The decoder fails on what is there, and is as new elsewhere.
    let dir = tempdir().unwrap();
    let path = dir.path().join("in.mkv");
    remux(&bare_stream(), &path).unwrap();
    let all = linear::<System>(frames(System, &path), of_system);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 2000].fill(0x55);
    let input = Demuxer::from_read_seek(Cursor::new(bytes)).unwrap();
    let video = input.video().unwrap();
    let mut player =
        Decoder::new(System, &video).threads(1).open().unwrap().frames(Mine(input.into_packets(&video), 0));
    for _ in 0..2 {
        player.by_ref().for_each(drop);
        player.seek_exact(Time::Ticks(all[7].0)).unwrap();
        assert!(of_system(player.next().unwrap().unwrap()) == all[7]);
    }
}
