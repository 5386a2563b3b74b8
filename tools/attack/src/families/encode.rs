//! Encoders by name, with options by name: what comes out is decoded again, so that what was read beside a frame shows.

use crate::logger::{self, Conduct};
use crate::words::{self, Of};
use crate::world::{World, outcome};
use avsluice::{
    Color, ColorRange, Decoder, Device, Encoder, FieldOrder, Format, Frame, FramePool, Limit, Named, Packet,
    PixelFormat, Stream, System, TimeBase,
};

/// Those that are worth it more often: they are there everywhere, or have options within options.
const FAVOURITES: &[&str] = &[
    "libx264",
    "libx265",
    "mpeg4",
    "libsvtav1",
    "libaom-av1",
    "wrapped_avframe",
    "rawvideo",
    "libx265",
    "libx264rgb",
    "ffv1",
    "vc2",
    "mjpeg",
    "h264_nvenc",
    "h264_vaapi",
    "mpeg2video",
];

/// The most frames an encoder gets: the slow ones get fewer.
fn frames_of(name: &str, world: &mut World) -> usize {
    match name {
        "libaom-av1" | "librav1e" | "libsvtav1" => world.rng.between(1, 2),
        _ => world.rng.between(1, 6),
    }
}

pub fn run(world: &mut World) {
    let all = words::encoders();
    let name = if world.rng.one_in(3) { world.rng.pick(&all) } else { world.rng.pick(FAVOURITES) };
    if world.rng.one_in(6) {
        let conduct = world.rng.choose(&logger::ALL);
        logger::behave(conduct, log::LevelFilter::Info, 0);
        if conduct != Conduct::Reads {
            world.note(format_args!("logger {conduct:?}"));
        }
    }
    if name.contains("_nvenc") || name.contains("_vaapi") {
        return on_device(world, name);
    }
    let mut format = world.format();
    if world.rng.one_in(2) {
        // What all of them take.
        format.pixels = PixelFormat::Yuv420p;
    }
    let Ok(pool) = FramePool::new(System, format) else { return };
    let Some(encoder) = configured(world, &pool, name, format) else { return };
    feed(world, encoder, &pool, name);
}

fn on_device(world: &mut World, name: &str) {
    let format = Format { pixels: PixelFormat::Nv12, ..world.format() };
    if name.contains("nvenc") {
        let Ok(device) = Device::cuda(0) else { return };
        if world.rng.one_in(3) {
            // Frames of the host's memory.
            let Ok(pool) = FramePool::new(System, format) else { return };
            let options = options(world, name);
            let encoder = Encoder::new(&pool, TimeBase::hz(25), options).on(&device);
            world.note(format_args!("{name} on host frames {format:?}"));
            if let Ok(encoder) = encoder.open() {
                feed(world, encoder, &pool, name);
            }
            return;
        }
        let Ok(pool) = FramePool::new(&device, format) else { return };
        let Some(encoder) = configured(world, &pool, name, format) else { return };
        feed(world, encoder, &pool, name);
    } else {
        let Ok(device) = Device::vaapi(simgpu::va::NODE) else { return };
        let Ok(pool) = FramePool::new(&device, format) else { return };
        let Some(encoder) = configured(world, &pool, name, format) else { return };
        feed(world, encoder, &pool, name);
    }
}

fn options(world: &mut World, name: &str) -> Named {
    let mut options = Named::new(name);
    for _ in 0..world.rng.choose(&[0, 1, 1, 2, 3]) {
        let (key, value) = words::option(&mut world.rng, Of::Encoder(name));
        world.note(format_args!("{name} {key}={value}"));
        options = options.set(&key, &value);
    }
    options
}

fn configured<'d, M: avsluice::Memory + avsluice::Concrete>(
    world: &mut World,
    pool: &FramePool<'d, M>,
    name: &str,
    format: Format,
) -> Option<Encoder<'d, M>> {
    let alone = if world.rng.one_in(2) { words::inner::option_of(&mut world.rng, name) } else { None };
    if let Some(key) = alone {
        // Nothing else that could end the opening.
        let value = words::inner::valid(&mut world.rng, key);
        world.note(format_args!("{name} {key}={value} {format:?}, alone"));
        let opened = Encoder::new(pool, TimeBase::hz(25), Named::new(name).set(key, &value)).threads(1).open();
        world.note(format_args!("{name} {key}={value} {format:?}: {}", outcome(&opened)));
        return opened.ok();
    }
    let options = options(world, name);
    let rng = &mut world.rng;
    let time_base = match rng.below(8) {
        0 => TimeBase { num: rng.edge() as i32, den: rng.edge() as i32 },
        1 => TimeBase { num: 1, den: 1_000_000 },
        _ => TimeBase::hz(25),
    };
    let mut encoder = Encoder::new(pool, time_base, options).threads(rng.choose(&[1, 1, 1, 2]));
    if rng.one_in(4) {
        encoder = encoder.bit_rate(rng.edge().unsigned_abs());
    }
    if rng.one_in(4) {
        encoder = encoder.gop_size(rng.edge() as u32).max_b_frames(rng.choose(&[0, 1, 2, 16, u32::MAX]));
    }
    if rng.one_in(6) {
        encoder = encoder.frame_rate(rng.edge() as u32, rng.edge() as u32).global_header();
    }
    if rng.one_in(8) {
        let color = Color {
            range: ColorRange::Full,
            primaries: rng.next() as u8,
            transfer: rng.next() as u8,
            matrix: rng.next() as u8,
        };
        encoder = encoder.color(color).sample_aspect_ratio(rng.edge() as u32, rng.edge() as u32);
    }
    if rng.one_in(8) {
        encoder = encoder
            .field_order(FieldOrder::TopFirst)
            .buffer_size(rng.edge() as u32)
            .max_bit_rate(rng.edge().unsigned_abs());
    }
    world.note(format_args!("{name} {format:?} time base {time_base}: opening"));
    let opened = encoder.open();
    world.note(format_args!("{name} {format:?}: {}", outcome(&opened)));
    opened.ok()
}

/// A frame of the pool that was written where it can be.
trait Fill<'d, M: avsluice::Memory> {
    fn fill(&self, world: &mut World) -> Option<Frame<'d, M>>;
}
impl<'d> Fill<'d, System> for FramePool<'d, System> {
    fn fill(&self, world: &mut World) -> Option<Frame<'d, System>> {
        let mut frame = self.frame().ok()?;
        world.paint(&mut frame);
        Some(frame)
    }
}
impl<'d> Fill<'d, avsluice::Cuda> for FramePool<'d, avsluice::Cuda> {
    fn fill(&self, world: &mut World) -> Option<Frame<'d, avsluice::Cuda>> {
        self.host().fill(world)?.upload(self).ok()
    }
}
impl<'d> Fill<'d, avsluice::Vaapi> for FramePool<'d, avsluice::Vaapi> {
    fn fill(&self, world: &mut World) -> Option<Frame<'d, avsluice::Vaapi>> {
        self.host().fill(world)?.upload(self).ok()
    }
}

fn feed<'d, M: avsluice::Memory>(world: &mut World, mut encoder: Encoder<'d, M>, pool: &FramePool<'d, M>, name: &str)
where
    FramePool<'d, M>: Fill<'d, M>,
{
    let mut packets = Vec::new();
    let mut time = 0_i64;
    for _ in 0..frames_of(name, world) {
        let Some(mut frame) = pool.fill(world) else { break };
        time = if world.rng.one_in(12) { world.rng.edge() } else { time.saturating_add(1) };
        frame.set_pts(time);
        if world.rng.one_in(6) {
            let _ = encoder.force_keyframe();
        }
        if world.rng.one_in(10) {
            let rate = world.rng.edge().unsigned_abs();
            let _ = encoder.set_bit_rate(rate);
        }
        match encoder.send(frame) {
            Ok(ready) => {
                let most = world.rng.choose(&[0, 1, 100, 100]);
                packets.extend(ready.take(most).flatten());
            }
            Err(failed) => drop(failed.into_value()),
        }
    }
    world.came_out(encoder.extradata());
    match world.rng.below(5) {
        0 => drop(encoder),
        1 => drop(encoder.flush()),
        2 => drop(encoder.flush().map(|encoder| encoder.abandon().free())),
        _ => {
            if let Ok(flushing) = encoder.flush() {
                let finished = flushing.finish(Limit::default(), |packet| {
                    packets.push(packet);
                    Ok(())
                });
                drop(finished);
            }
        }
    }
    for packet in &packets {
        world.take_packet(packet);
    }
    decode(world, codec_of(name), packets);
}

fn codec_of(encoder: &str) -> &str {
    match encoder {
        "libx264" | "libx264rgb" | "h264_nvenc" | "h264_vaapi" => "h264",
        "libx265" => "hevc",
        "libaom-av1" | "libsvtav1" | "librav1e" => "av1",
        "libvpx" => "vp8",
        "libvpx-vp9" => "vp9",
        "libtheora" => "theora",
        "vc2" => "dirac",
        other => other,
    }
}

fn decode(world: &mut World, codec: &str, packets: Vec<Packet>) {
    if packets.is_empty() || world.rng.one_in(3) {
        return;
    }
    let Ok(stream) = Stream::of_packets(codec, TimeBase::hz(25)) else { return };
    let opened = Decoder::new(System, &stream).threads(1).open();
    world.note(format_args!("decode {codec} again: {}", outcome(&opened)));
    let Ok(mut decoder) = opened else { return };
    for packet in packets {
        if let Ok(frames) = decoder.send(packet.trusted()) {
            for frame in frames.flatten() {
                world.take_frame(&frame);
            }
        }
    }
    if let Ok(flushing) = decoder.flush() {
        drop(flushing.finish(Limit::default(), |frame| {
            world.take_frame(&frame);
            Ok(())
        }));
    }
}
