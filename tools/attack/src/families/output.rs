//! Every output format with codecs, times, options and writers that fail, lie and panic; finished, or dropped before.

use super::input;
use crate::logger;
use crate::streams::Troubled;
use crate::words::{self, Of};
use crate::world::{World, outcome};
use avsluice::mux::{Configured, Fragments};
use avsluice::{
    Demuxer, Encoder, Format, FramePool, Muxer, Named, Packet, PixelFormat, Stream, System, TimeBase, Track,
};
use std::io::Cursor;
use std::time::Duration;

/// Those that have threads, children or callbacks of their own, and the usual ones.
const FAVOURITES: &[&str] = &[
    "fifo",
    "tee",
    "segment",
    "hls",
    "dash",
    "mp4",
    "mov",
    "matroska",
    "mpegts",
    "yuv4mpegpipe",
    "rawvideo",
    "avif",
    "nut",
    "asf",
    "null",
    "image2",
    "stream_segment",
    "webm_chunk",
    "fifo",
    "uncodedframecrc",
    "dvd",
];
/// What tracks are coded in.
const CODECS: &[&str] = &[
    "h264",
    "hevc",
    "mpeg4",
    "mpeg2video",
    "av1",
    "vp8",
    "vp9",
    "mjpeg",
    "png",
    "rawvideo",
    "wrapped_avframe",
    "aac",
    "mp3",
    "opus",
    "pcm_s16le",
    "subrip",
    "mov_text",
    "ass",
    "theora",
    "gif",
    "dvvideo",
    "ac3",
    "bmp",
];
/// What the fifo muxer hands on to.
const INNER: &[&str] = &["matroska", "mp4", "mpegts", "null", "nonsense", "avi"];

pub fn run(world: &mut World) {
    let all = words::muxers();
    let format = if world.rng.one_in(2) { world.rng.pick(&all) } else { world.rng.pick(FAVOURITES) };
    if world.rng.one_in(5) {
        let conduct = world.rng.choose(&logger::ALL);
        let level = world.rng.choose(&[log::LevelFilter::Error, log::LevelFilter::Info]);
        world.note(format_args!("logger {conduct:?}"));
        logger::behave(conduct, level, 0);
    }
    rounds(world, format);
}

/// The same with the logger that is there.
pub fn run_logged(world: &mut World) {
    let format = world.rng.pick(FAVOURITES);
    rounds(world, format);
}

fn rounds(world: &mut World, format: &str) {
    let rounds = if world.rng.one_in(4) { 4 } else { 1 };
    for _ in 0..rounds {
        once(world, format);
    }
}

fn once(world: &mut World, format: &str) {
    let to_file = world.rng.one_in(2);
    let muxer = if to_file {
        let path = match format {
            "tee" => "[f=matroska]a.mkv|[f=mpegts]b.ts".into(),
            "segment" | "image2" | "stream_segment" => world.folder.join("s%03d.bin"),
            _ => world.file("out"),
        };
        world.note(format_args!("format={format} to a file"));
        Muxer::create_as(format, path)
    } else {
        let writer = Troubled::new(&mut world.rng, Vec::new());
        let seeks = world.rng.one_in(2);
        world.note(format_args!(
            "format={format} to a writer, {:?} after {}, seeks: {seeks}",
            writer.trouble, writer.after
        ));
        if seeks { Muxer::to_write_seek(format, writer) } else { Muxer::to_write(format, writer) }
    };
    let Ok(mut muxer) = muxer else { return };
    options(world, format, &mut muxer);
    let Some(mut tracks) = tracks(world, format, &mut muxer) else { return };
    world.note(format_args!("format={format} header"));
    let opened = muxer.open();
    world.note(format_args!("format={format} header: {}", outcome(&opened)));
    let mut muxer = match opened {
        Ok(muxer) => muxer,
        Err(failed) => {
            let again = failed.into_value();
            if world.rng.one_in(2) {
                drop(again.open());
            }
            return;
        }
    };
    let mut time = 0_i64;
    for _ in 0..world.rng.choose(&[0, 1, 3, 10]) {
        let index = world.rng.below(tracks.len());
        let (track, stream, packets) = &mut tracks[index];
        let Some(mut packet) = packets.pop().or_else(|| forged(world)) else { continue };
        let mut said = String::from("own times");
        if world.rng.one_in(4) {
            time = time.saturating_add(world.rng.choose(&[1, 3600, 0, -1, 90_000]));
            said = times(world, &mut packet, time);
        }
        packet.set_keyframe(!world.rng.one_in(3));
        world.note(format_args!("format={format} codec={} {said}", stream.codec()));
        let _ = muxer.write(*track, packet);
        if world.rng.one_in(8) {
            let _ = muxer.flush();
        }
    }
    if world.rng.one_in(3) {
        world.note(format_args!("format={format} dropped"));
        drop(muxer);
        return;
    }
    world.note(format_args!("format={format} finish"));
    if to_file {
        let _ = muxer.finish();
    } else if let Ok(writer) = muxer.finish_into::<Troubled>() {
        world.came_out(&writer.into_bytes());
    }
}

fn options(world: &mut World, format: &str, muxer: &mut Muxer<Configured>) {
    muxer.option("fflags", "+bitexact");
    if format == "fifo" {
        let inner = world.rng.pick(INNER);
        muxer.option("fifo_format", inner);
    }
    for _ in 0..world.rng.choose(&[0, 0, 1, 1, 2, 3]) {
        let (key, value) = words::option(&mut world.rng, Of::Muxer(format));
        world.note(format_args!("format={format} option {key}={value}"));
        muxer.option(&key, value);
    }
    match world.rng.below(10) {
        0 => drop(muxer.fragmented(Fragments::EachPacket)),
        1 => drop(muxer.fragmented(Fragments::AtKeyframes)),
        2 => {
            let time = Duration::from_micros(world.rng.edge().unsigned_abs());
            muxer.fragmented(Fragments::Every(time));
        }
        _ => {}
    }
}

type Tracks = Vec<(Track, Stream, Vec<Packet>)>;

fn tracks(world: &mut World, format: &str, muxer: &mut Muxer<Configured>) -> Option<Tracks> {
    let mut tracks = Tracks::new();
    for _ in 0..world.rng.choose(&[1, 1, 1, 2]) {
        if world.rng.one_in(8) {
            // A track of an encoder's.
            let pool = FramePool::new(System, Format { width: 64, height: 64, pixels: PixelFormat::Yuv420p }).ok()?;
            let name = world.rng.pick(&["wrapped_avframe", "mpeg4", "rawvideo", "mjpeg"]);
            let mut encoder = Encoder::new(&pool, TimeBase::hz(25), Named::new(name)).threads(1).open().ok()?;
            let Ok(track) = muxer.add(&encoder) else { continue };
            let mut packets = Vec::new();
            for pts in 0..2 {
                let mut frame = pool.frame().ok()?;
                frame.set_pts(pts);
                packets.extend(encoder.send(frame).ok()?.flatten());
            }
            tracks.push((track, Stream::of_packets(name, TimeBase::hz(25)).ok()?, packets));
            continue;
        }
        if world.rng.one_in(2) {
            let (_, bytes) = input::file(world);
            let Ok(mut source) = Demuxer::from_read_seek(Cursor::new(bytes)) else { continue };
            let Ok(video) = source.video() else { continue };
            let mut packets: Vec<_> = source.packets(&video).flatten().take(10).collect();
            packets.reverse();
            let Ok(track) = muxer.add_copy(&video) else { continue };
            tracks.push((track, video, packets));
            continue;
        }
        let all = words::codecs();
        let codec = match (format, world.rng.below(4)) {
            // What the format is for.
            ("yuv4mpegpipe" | "uncodedframecrc", 0 | 1) => "wrapped_avframe",
            ("avif", 0 | 1) => "av1",
            (_, 2) => world.rng.pick(&all),
            _ => world.rng.pick(CODECS),
        };
        let time_base = world.rng.choose(&[
            TimeBase::hz(25),
            TimeBase::hz(90_000),
            TimeBase { num: 1, den: 1 },
            TimeBase { num: i32::MAX, den: 1 },
        ]);
        let Ok(mut stream) = Stream::of_packets(codec, time_base) else { continue };
        if let Ok(sized) = stream.with_size(64, 64) {
            stream = sized;
        }
        if world.rng.one_in(3) {
            let length = world.rng.between(1, 100);
            let bytes = world.rng.bytes(length);
            stream = stream.with_extradata(&bytes).unwrap_or(stream);
        }
        if world.rng.one_in(3) {
            stream = stream.with_frame_rate(world.rng.edge() as u32, world.rng.edge() as u32);
        }
        let Ok(track) = muxer.add_copy(&stream) else { continue };
        tracks.push((track, stream, Vec::new()));
    }
    (!tracks.is_empty()).then_some(tracks)
}

fn forged(world: &mut World) -> Option<Packet> {
    let length = world.rng.choose(&[0, 1, 4, 30, 64, 500, 4096]);
    let bytes = match world.rng.below(3) {
        0 => vec![0x41; length],
        1 => vec![0; length],
        _ => world.rng.bytes(length),
    };
    Packet::new(&bytes).ok()
}

/// Gives the packet times, and says which.
pub fn times(world: &mut World, packet: &mut Packet, usual: i64) -> String {
    let rng = &mut world.rng;
    let pts = if rng.one_in(4) { rng.edge() } else { usual };
    let dts = if rng.one_in(4) { rng.edge() } else { usual };
    let duration = if rng.one_in(4) { rng.edge() } else { 1 };
    packet.set_pts(pts);
    packet.set_dts(dts);
    packet.set_duration(duration);
    if rng.one_in(6) {
        packet.set_time_base(TimeBase { num: rng.edge() as i32, den: rng.edge() as i32 });
    }
    format!("pts={pts} dts={dts} duration={duration}")
}
