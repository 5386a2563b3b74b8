//! Packets that nobody encoded, through parsers, bitstream filters and decoders of every codec.

use super::input;
use crate::words;
use crate::world::{World, outcome, wrong};
use avsluice::{
    BitstreamFilter, Decoder, Demuxer, Encoder, Format, FramePool, Limit, Named, Packet, Parser, PixelFormat, Stream,
    System, TimeBase,
};
use std::io::Cursor;

const FAVOURITES: &[&str] = &[
    "h264",
    "hevc",
    "av1",
    "vp8",
    "vp9",
    "mpeg4",
    "mjpeg",
    "wrapped_avframe",
    "wrapped_avframe",
    "rawvideo",
    "png",
    "ffv1",
];
/// Encoders whose packets are taken, changed or not.
const ENCODERS: &[&str] = &[
    "wrapped_avframe",
    "wrapped_avframe",
    "wrapped_avframe",
    "mpeg4",
    "mjpeg",
    "rawvideo",
    "ffv1",
    "png",
    "libx264",
    "mpeg2video",
    "huffyuv",
    "snow",
    "svq1",
    "flv",
    "gif",
];

pub fn run(world: &mut World) {
    let (stream, mut packets) = match world.rng.below(3) {
        0 => match real(world) {
            Some(found) => found,
            None => return,
        },
        1 => match encoded(world) {
            Some(found) => found,
            None => return,
        },
        _ => match forged(world) {
            Some(found) => found,
            None => return,
        },
    };
    if world.rng.one_in(3) {
        packets = parsed(world, &stream, packets);
    }
    if world.rng.one_in(2) {
        packets = filtered(world, &stream, packets);
    }
    // Nobody may write what a packet shows while it is held.
    let held: Vec<(Packet, Vec<u8>)> =
        packets.iter().take(4).flat_map(|packet| Some((packet.try_clone().ok()?, packet.data().to_vec()))).collect();
    decoded(world, &stream, packets);
    if held.iter().any(|(packet, bytes)| packet.data() != bytes) {
        wrong(format!("a packet of {} changed while it was held", stream.codec()));
    }
}

/// Packets of a file, some of them damaged.
fn real(world: &mut World) -> Option<(Stream, Vec<Packet>)> {
    let (name, bytes) = input::file(world);
    let mut input = Demuxer::from_read_seek(Cursor::new(bytes)).ok()?;
    let video = input.video().ok()?;
    let most = world.rng.between(1, 12);
    let packets: Vec<_> = input.packets(&video).flatten().take(most).collect();
    world.note(format_args!("packets of {name}"));
    let mut damaged = Vec::new();
    for packet in packets {
        damaged.push(if world.rng.one_in(3) { changed(world, &packet)? } else { packet });
    }
    Some((video, damaged))
}

fn changed(world: &mut World, packet: &Packet) -> Option<Packet> {
    let mut bytes = packet.data().to_vec();
    input::damage(world, &mut bytes);
    Packet::new(&bytes).ok()
}

/// Packets of an encoder, with one kept as a second reference.
fn encoded(world: &mut World) -> Option<(Stream, Vec<Packet>)> {
    let name = world.rng.pick(ENCODERS);
    let pixels = if name == "gif" || name == "png" { PixelFormat::Rgb24 } else { PixelFormat::Yuv420p };
    let pool = FramePool::new(System, Format { width: 64, height: 64, pixels }).ok()?;
    let opened = Encoder::new(&pool, TimeBase::hz(25), Named::new(name)).threads(1).open();
    world.note(format_args!("packets of encoder {name}: {}", outcome(&opened)));
    let mut encoder = opened.ok()?;
    let mut packets = Vec::new();
    for pts in 0..3 {
        let mut frame = pool.frame().ok()?;
        world.paint(&mut frame);
        frame.set_pts(pts);
        packets.extend(encoder.send(frame).ok()?.flatten());
    }
    drop(encoder.flush().ok()?.finish(Limit::default(), |packet| {
        packets.push(packet);
        Ok(())
    }));
    if world.rng.one_in(2) {
        let mut all = Vec::new();
        for packet in packets {
            let copy = if world.rng.one_in(2) { packet.try_clone().ok()? } else { changed(world, &packet)? };
            all.extend([packet, copy]);
        }
        packets = all;
    }
    let codec = if name == "libx264" { "h264" } else { name };
    Some((Stream::of_packets(codec, TimeBase::hz(25)).ok()?.with_size(64, 64).ok()?, packets))
}

fn forged(world: &mut World) -> Option<(Stream, Vec<Packet>)> {
    let all = words::codecs();
    let codec = if world.rng.one_in(3) { world.rng.pick(&all) } else { world.rng.pick(FAVOURITES) };
    let mut stream = Stream::of_packets(codec, TimeBase::hz(25)).ok()?;
    if world.rng.one_in(2) {
        let (width, height) = (world.rng.edge() as u32 % 5000, world.rng.edge() as u32 % 5000);
        stream = stream.with_size(width, height).unwrap_or(stream);
    }
    if world.rng.one_in(2) {
        let length = world.rng.between(1, 300);
        let bytes = if world.rng.one_in(4) { b"BottomUp\0".to_vec() } else { world.rng.bytes(length) };
        stream = stream.with_extradata(&bytes).ok()?;
    }
    world.note(format_args!("forged packets of {codec} {}x{}", stream.width(), stream.height()));
    let mut packets = Vec::new();
    for _ in 0..world.rng.between(1, 4) {
        let length = world.rng.choose(&[0, 1, 16, 100, 1000, 4096, 20_000]);
        let bytes = if world.rng.one_in(3) { vec![0x41; length] } else { world.rng.bytes(length) };
        packets.push(Packet::new(&bytes).ok()?);
    }
    Some((stream, packets))
}

fn parsed(world: &mut World, stream: &Stream, packets: Vec<Packet>) -> Vec<Packet> {
    let opened = Parser::new(stream);
    world.note(format_args!("parser of {}: {}", stream.codec(), outcome(&opened)));
    let Ok(mut parser) = opened else { return packets };
    let mut out = Vec::new();
    for packet in &packets {
        let length = world.rng.between(1, 700);
        for part in packet.data().chunks(length) {
            if let Ok(ready) = parser.send(part, packet.pts()) {
                out.extend(ready.take(20).flatten());
            }
        }
    }
    out.extend(parser.end().take(20).flatten());
    out
}

fn filtered(world: &mut World, stream: &Stream, packets: Vec<Packet>) -> Vec<Packet> {
    let names = words::bitstream_filters();
    let mut chain = world.rng.pick(&names).to_owned();
    if world.rng.one_in(2) {
        chain = match world.rng.below(4) {
            0 => "noise=amount=1".to_owned(),
            1 => format!("setts=pts={}", world.rng.pick(&["N", "PTS*1e300", "NOPTS", "0/0"])),
            2 => format!("{chain},{}", world.rng.pick(&names)),
            _ => format!("{chain}={}", words::option(&mut world.rng, words::Of::Muxer(&chain)).1),
        };
    }
    let opened = BitstreamFilter::new(&chain, stream);
    world.note(format_args!("filter {chain} on {}: {}", stream.codec(), outcome(&opened)));
    let Ok(mut filter) = opened else { return packets };
    let mut out = Vec::new();
    for packet in packets {
        let packet = if world.rng.one_in(4) { packet } else { packet.trusted() };
        match filter.send(packet) {
            Ok(ready) => out.extend(ready.take(20).flatten()),
            Err(failed) => drop(failed.into_value()),
        }
    }
    if let Ok(ready) = filter.end() {
        out.extend(ready.take(20).flatten());
    }
    out
}

fn decoded(world: &mut World, stream: &Stream, packets: Vec<Packet>) {
    let mut decoder = Decoder::new(System, stream).threads(world.rng.choose(&[1, 1, 2]));
    let mut name = stream.codec();
    if world.rng.one_in(6) {
        let all = words::decoders();
        name = world.rng.pick(&all);
        decoder = decoder.codec(name);
    }
    let opened = decoder.open();
    world.note(format_args!("decoder {name}: {}", outcome(&opened)));
    let Ok(mut decoder) = opened else { return };
    let mut frames = Vec::new();
    for mut packet in packets {
        if world.rng.one_in(6) {
            super::output::times(world, &mut packet, 0);
        }
        let again = if world.rng.one_in(6) { packet.try_clone().ok() } else { None };
        for packet in [Some(packet), again].into_iter().flatten() {
            let packet = if world.rng.one_in(4) { packet } else { packet.trusted() };
            match decoder.send(packet) {
                Ok(ready) => frames.extend(ready.take(8).flatten()),
                Err(failed) => drop(failed.into_value()),
            }
        }
        if world.rng.one_in(8) {
            decoder.reset();
        }
    }
    if world.rng.one_in(3) {
        drop(decoder);
    } else if let Ok(flushing) = decoder.flush() {
        drop(flushing.finish(Limit::default(), |frame| {
            frames.push(frame);
            Ok(())
        }));
    }
    for frame in &frames {
        world.take_frame(frame);
    }
    crate::world::drop_in_any_order(&mut world.rng, frames);
}
