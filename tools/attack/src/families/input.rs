//! Files: with options by name, damaged, read through readers that lie, sought in, decoded.

use crate::logger;
use crate::streams::Troubled;
use crate::words::{self, Of};
use crate::world::{World, look_at, outcome};
use avsluice::demux::{Seek, Time};
use avsluice::{Decoder, Demuxer, Muxer, Packet, Stream, System, TimeBase};
use std::io::Cursor;
use std::time::Duration;

/// The containers that the streams are put into.
const CONTAINERS: &[&str] =
    &["mp4", "matroska", "mpegts", "avi", "nut", "flv", "mov", "ogg", "asf", "ivf", "mpeg", "webm", "mxf", "rm", "gxf"];

/// A file of the test streams: as it is, or put into a container.
pub fn file(world: &mut World) -> (String, Vec<u8>) {
    let streams = media::all();
    // The long ones cost much and show little more.
    let streams: Vec<_> = streams.into_iter().filter(|stream| stream.frame_count < 400).collect();
    let stream = &streams[world.rng.below(streams.len())];
    let bytes = std::fs::read(&stream.path).unwrap_or_default();
    if world.rng.one_in(2) {
        return (stream.name.clone(), bytes);
    }
    let container = world.rng.pick(CONTAINERS);
    let most = world.rng.between(1, 40);
    match contained(container, bytes.clone(), most) {
        Some(file) => (format!("{} in {container}", stream.name), file),
        None => (stream.name.clone(), bytes),
    }
}

/// The first packets of a file in another container.
pub fn contained(container: &str, bytes: Vec<u8>, most: usize) -> Option<Vec<u8>> {
    let mut input = Demuxer::from_read_seek(Cursor::new(bytes)).ok()?;
    let video = input.video().ok()?;
    let mut output = Muxer::to_write_seek(container, Cursor::new(Vec::new())).ok()?;
    // Else some containers write numbers of chance.
    output.option("fflags", "+bitexact");
    let track = output.add_copy(&video).ok()?;
    let mut output = output.open().ok()?;
    for (index, packet) in input.packets(&video).flatten().take(most).enumerate() {
        let mut packet = packet;
        if packet.pts().is_none() {
            packet.set_pts(index as i64);
            packet.set_dts(index as i64);
        }
        output.write(track, packet).ok()?;
    }
    Some(output.finish_into::<Cursor<Vec<u8>>>().ok()?.into_inner())
}

/// Flips bits, cuts, doubles.
pub fn damage(world: &mut World, bytes: &mut Vec<u8>) {
    let rng = &mut world.rng;
    for _ in 0..rng.between(1, 12) {
        if bytes.is_empty() {
            return;
        }
        let reach = if rng.one_in(2) { bytes.len().min(600) } else { bytes.len() };
        let place = rng.below(reach);
        match rng.below(6) {
            0..=2 => bytes[place] ^= 1 << rng.below(8),
            3 => bytes[place] = rng.choose(&[0, 0xFF, 0x7F, 0x80]),
            4 => {
                let end = (place + rng.between(1, 64)).min(bytes.len());
                let copy = bytes[place..end].to_vec();
                bytes.splice(place..place, copy);
            }
            _ => {
                if rng.one_in(3) {
                    bytes.truncate(place.max(1));
                }
            }
        }
    }
}

pub fn run(world: &mut World) {
    let (name, mut bytes) = file(world);
    if world.rng.one_in(2) {
        damage(world, &mut bytes);
    }
    if world.rng.one_in(6) {
        let conduct = world.rng.choose(&logger::ALL);
        world.note(format_args!("logger {conduct:?}"));
        logger::behave(conduct, log::LevelFilter::Debug, 0);
    }
    let mut open = Demuxer::options();
    let demuxers = words::demuxers();
    let mut format = "any";
    if world.rng.one_in(4) {
        format = world.rng.pick(&demuxers);
        open = open.format(format);
    }
    for _ in 0..world.rng.choose(&[0, 1, 1, 2, 3]) {
        let (key, value) = words::option(&mut world.rng, Of::Demuxer(format));
        world.note(format_args!("option {key}={value}"));
        open = open.option(&key, value);
    }
    let opened = match world.rng.below(4) {
        0 => {
            let path = world.file("bin");
            let _ = std::fs::write(&path, &bytes);
            world.note(format_args!("{name} as {format} from a file"));
            open.open(path)
        }
        1 => {
            let reader = Troubled::new(&mut world.rng, bytes);
            world.note(format_args!("{name} as {format} from a reader, {:?} after {}", reader.trouble, reader.after));
            open.from_read(reader)
        }
        _ => {
            let reader = Troubled::new(&mut world.rng, bytes);
            world.note(format_args!(
                "{name} as {format} from a seekable reader, {:?} after {}",
                reader.trouble, reader.after
            ));
            open.from_read_seek(reader)
        }
    };
    world.note(format_args!("opened as {format}: {}", outcome(&opened)));
    let Ok(input) = opened else { return };
    read(world, input);
}

fn seek_to(world: &mut World) -> Seek {
    let time = match world.rng.below(3) {
        0 => Time::Ticks(world.rng.edge()),
        1 => Time::from(Duration::from_millis(world.rng.below(12_000) as u64)),
        _ => Time::from(Duration::from_nanos(world.rng.next())),
    };
    match world.rng.below(3) {
        0 => Seek::Start,
        1 => Seek::before(time),
        _ => Seek::after(time),
    }
}

fn read(world: &mut World, mut input: Demuxer) {
    world.came_out(input.format().as_bytes());
    let streams: Vec<Stream> = input.streams().to_vec();
    for stream in &streams {
        let text = format!("{stream} {:?} {:?} {:?}", stream.frame_rate(), stream.duration(), stream.time_base());
        world.came_out(text.as_bytes());
    }
    let video = input.video().ok().or_else(|| streams.first().cloned());
    let Some(video) = video else { return };
    if world.rng.one_in(2) {
        return decode(world, input, &video);
    }
    let mut kept = Vec::new();
    for _ in 0..world.rng.between(1, 60) {
        if world.rng.one_in(12) {
            let to = seek_to(world);
            let _ = input.seek(&video, to, &mut ());
        }
        match input.read() {
            Ok(Some(packet)) => {
                world.take_packet(&packet);
                if world.rng.one_in(5) {
                    kept.push(packet);
                }
            }
            Ok(None) => break,
            Err(_) => {
                if world.rng.one_in(3) {
                    break;
                }
            }
        }
    }
    let _ = input.early_end();
    if world.rng.one_in(2) {
        drop(input);
    }
    copy(world, &video, kept);
}

fn decode(world: &mut World, input: Demuxer, video: &Stream) {
    let threads = world.rng.choose(&[1, 1, 1, 2]);
    let opened = Decoder::new(System, video).threads(threads).open();
    world.note(format_args!("decoder of {}: {}", video.codec(), outcome(&opened)));
    let Ok(decoder) = opened else { return };
    let mut frames = decoder.frames(input.into_packets(video));
    let mut kept = Vec::new();
    for _ in 0..world.rng.between(1, 12) {
        if world.rng.one_in(8) {
            let to = seek_to(world);
            let _ = frames.seek(to);
        }
        if world.rng.one_in(16) {
            let time = Duration::from_millis(world.rng.below(3000) as u64);
            let _ = frames.seek_exact(time);
        }
        match frames.next() {
            Some(Ok(frame)) => {
                world.take_frame(&frame);
                look_at(world, &frame);
                kept.push(frame);
            }
            Some(Err(_)) => {}
            None => break,
        }
    }
    if world.rng.one_in(2) {
        drop(frames);
    } else {
        drop(frames.close().free());
    }
    // Frames outlive their decoder, and a second reference makes them read-only.
    if let Some(mut frame) = kept.pop() {
        let second = frame.try_clone();
        if frame.plane_mut(0).is_none() {
            drop(second);
        }
        world.paint(&mut frame);
        world.take_frame(&frame);
    }
    crate::world::drop_in_any_order(&mut world.rng, kept);
}

fn copy(world: &mut World, stream: &Stream, packets: Vec<Packet>) {
    let container = world.rng.pick(CONTAINERS);
    let Ok(mut output) = Muxer::to_write_seek(container, Cursor::new(Vec::new())) else { return };
    let Ok(track) = output.add_copy(stream) else { return };
    world.note(format_args!("copy {} into {container}", stream.codec()));
    let Ok(mut output) = output.open() else { return };
    for mut packet in packets {
        packet.set_time_base(TimeBase::hz(25));
        if output.write(track, packet).is_err() {
            break;
        }
    }
    let _ = output.finish();
}
