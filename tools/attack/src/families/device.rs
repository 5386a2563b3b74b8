//! The SIMULATED drivers with calls that fail, and everything built on a device dropped in any order.

use super::input;
use crate::logger;
use crate::words;
use crate::world::{World, drivers_fail, drop_in_any_order, outcome, wrong};
use avsluice::{
    Any, Cuda, Decoder, Demuxer, Device, DeviceMemory, Encoder, Format, Frame, FramePool, Named, Packet, PixelFormat,
    Settle, Teardown, TimeBase,
};
use simgpu::{Config, Fault};
use std::io::Cursor;
use std::sync::Arc;

/// What a program holds, each alive or gone at any time.
#[allow(dead_code)] // It is held, to be dropped.
enum Thing<M: DeviceMemory> {
    Device(Arc<Device<M>>),
    Pool(FramePool<'static, M>),
    Frame(Frame<'static, M>),
    Erased(Frame<'static, Any>),
    Encoder(Encoder<'static, M>),
    Decoder(Decoder<'static, M>),
    Packet(Packet),
    Host(Frame<'static, avsluice::System>),
}

const FUNCTIONS: &[&str] = &[
    "*",
    "cu*",
    "va*",
    "nvEnc*",
    "cuvid*",
    "cuMem*",
    "cuDevicePrimaryCtxRelease*",
    "cuCtx*",
    "cuStreamSynchronize",
    "nvEncEncodePicture",
    "nvEncLockBitstream",
    "nvEncDestroyEncoder",
    "nvEncOpenEncodeSessionEx",
    "nvEncMapInputResource",
    "nvEncRegisterResource",
    "vaEndPicture",
    "vaDestroy*",
    "vaTerminate",
    "vaCreate*",
    "vaSyncSurface",
    "vaMapBuffer",
    "vaDeriveImage",
    "cuvidMapVideoFrame64",
    "cuvidDestroyDecoder",
    "cuMemFree*",
    "cuCtxDestroy*",
];

pub fn run(world: &mut World) {
    if world.rng.one_in(3) {
        let conduct = world.rng.choose(&logger::ALL);
        let level = world.rng.choose(&[log::LevelFilter::Error, log::LevelFilter::Warn, log::LevelFilter::Debug]);
        world.note(format_args!("logger {conduct:?} at {level}"));
        let patience = world.rng.choose(&[0, 0, 1, 5]);
        logger::behave(conduct, level, patience);
    }
    if world.rng.one_in(6) {
        let rng = &mut world.rng;
        let config = Config {
            nvenc_engine: !rng.one_in(3),
            nvdec_engine: !rng.one_in(3),
            max_sessions: rng.between(0, 3) as u32,
            hold: rng.below(5) as u32,
            device_memory: rng.choose(&[1 << 16, 1 << 22, 1 << 30]),
            ..Config::default()
        };
        world.gpu.configure(config);
    }
    // A fault before or after the device is made.
    let early = world.rng.one_in(3);
    if early {
        faults(world);
    }
    if world.rng.one_in(2) {
        let opened = if world.rng.one_in(3) { Device::cuda_with_own_context(0) } else { Device::cuda(0) };
        world.note(format_args!("CUDA device: {}", outcome(&opened)));
        let Ok(device) = opened else { return };
        match world.rng.below(6) {
            0 | 1 => simple(world, device, early),
            2 => lent(world, device, "h264_nvenc"),
            _ => steps::<Cuda>(world, device, "h264_nvenc", early),
        }
    } else {
        let opened = Device::vaapi(simgpu::va::NODE);
        world.note(format_args!("VA-API device: {}", outcome(&opened)));
        let Ok(device) = opened else { return };
        match world.rng.below(6) {
            0 | 1 => simple(world, device, early),
            2 => lent(world, device, "h264_vaapi"),
            _ => steps(world, device, "h264_vaapi", early),
        }
    }
}

fn faults(world: &mut World) {
    for _ in 0..world.rng.choose(&[0, 1, 1, 2]) {
        let rng = &mut world.rng;
        let fault = Fault {
            function: rng.pick(FUNCTIONS).to_owned(),
            nth: rng.choose(&[1, 1, 2, 3, 10]),
            status: rng.choose(&[1, 2, 10, 999, 8, 20]),
            sticky: rng.one_in(2),
        };
        world.fail(fault);
    }
}

/// A device alone: lent, closed, dropped.
fn simple<M: DeviceMemory>(world: &mut World, device: Device<M>, early: bool) {
    if !early {
        faults(world);
    }
    let _ = device.synchronize();
    let _ = device.name();
    if world.rng.one_in(2) {
        let made = FramePool::new(&device, Format { width: 64, height: 64, pixels: PixelFormat::Nv12 });
        if let Ok(pool) = &made {
            drop(pool.frame());
        }
    }
    world.note("device goes");
    if world.rng.one_in(2) {
        if let Err(failed) = device.close() {
            drop(failed.into_value());
        }
    } else {
        drop(device);
    }
}

/// A device that is only borrowed. What may be held without the borrow does not keep it: then it closes.
fn lent<M: DeviceMemory>(world: &mut World, device: Device<M>, encoder: &str)
where
    Named: avsluice::encode::Encodes<M>,
{
    let all = words::encoders();
    let mut packets = Vec::new();
    let mut hosts = Vec::new();
    let mut used = Vec::new();
    for _ in 0..world.rng.between(1, 3) {
        let format = Format {
            pixels: world.rng.choose(&[PixelFormat::Nv12, PixelFormat::Nv12, PixelFormat::Yuv420p, PixelFormat::P010]),
            ..world.format()
        };
        let Ok(pool) = FramePool::new(&device, format) else { continue };
        // Most encoders take no frame of a device's.
        let name = match world.rng.below(3) {
            0 => encoder,
            1 => world.rng.pick(&["wrapped_avframe", "rawvideo", "mpeg4", "ffv1", "libx264", "mjpeg"]),
            _ => world.rng.pick(&all),
        };
        let opened = Encoder::new(&pool, TimeBase::hz(25), Named::new(name)).threads(1).open();
        world.note(format_args!("{name} on frames of a device: {}", outcome(&opened)));
        used.push(name);
        let mut opened = opened.ok();
        for pts in 0..world.rng.between(1, 3) {
            let Ok(mut frame) = pool.frame() else { break };
            frame.set_pts(pts as i64);
            hosts.extend(frame.download().ok());
            if let Some(encoder) = &mut opened {
                match encoder.send(frame) {
                    Ok(ready) => packets.extend(ready.flatten()),
                    Err(failed) => drop(failed.into_value()),
                }
            }
        }
        if let Some(Ok(flushing)) = opened.map(|encoder| encoder.flush()).filter(|_| world.rng.one_in(2)) {
            drop(flushing.finish(avsluice::Limit::default(), |packet| {
                packets.push(packet);
                Ok(())
            }));
        }
    }
    world.note(format_args!(
        "the device goes before {} packets and {} frames of the host's",
        packets.len(),
        hosts.len()
    ));
    if let Err(failed) = device.close() {
        // A driver that fails keeps what it likes; FFmpeg 7.1's vaapi encoders keep their device (the README says so).
        let may_be_kept = drivers_fail() || (encoder.ends_with("_vaapi") && avsluice::libavcodec_version().0 == 61);
        if !may_be_kept {
            wrong(format!(
                "a device does not close, of which nothing is left but packets of {used:?}: {}",
                failed.error()
            ));
        }
        drop(failed.into_value());
    }
    for packet in &packets {
        world.take_packet(packet);
    }
    drop_in_any_order(&mut world.rng, packets);
    drop_in_any_order(&mut world.rng, hosts);
}

fn steps<M: DeviceMemory>(world: &mut World, device: Device<M>, encoder: &str, early: bool)
where
    Named: avsluice::encode::Encodes<M>,
{
    let device = Arc::new(device);
    let mut things = vec![Thing::Device(Arc::clone(&device))];
    let (_, bytes) = input::file(world);
    let format = Format {
        width: 160,
        height: 96,
        pixels: world.rng.choose(&[PixelFormat::Nv12, PixelFormat::Nv12, PixelFormat::Yuv420p, PixelFormat::P010]),
    };
    let late = world.rng.below(8);
    for step in 0..world.rng.between(3, 14) {
        if step == late && !early {
            faults(world);
        }
        let index = world.rng.below(things.len());
        match world.rng.below(9) {
            0 => things.extend(FramePool::new(&device, format).ok().map(Thing::Pool)),
            1 => {
                if let Some(Thing::Pool(pool)) = things.iter().find(|thing| matches!(thing, Thing::Pool(_))) {
                    let frame = pool.frame().ok().map(Thing::Frame);
                    things.extend(frame);
                }
            }
            2 => {
                if let Some(Thing::Pool(pool)) = things.iter().find(|thing| matches!(thing, Thing::Pool(_))) {
                    let settle = world.rng.choose(&[Settle::Synchronize, Settle::None]);
                    let opened =
                        Encoder::new(pool, TimeBase::hz(25), Named::new(encoder)).teardown(Teardown { settle }).open();
                    world.note(format_args!("{encoder}: {}", outcome(&opened)));
                    let opened = opened.ok().map(Thing::Encoder);
                    things.extend(opened);
                }
            }
            3 => encode(world, &mut things),
            4 => decode(world, &device, &bytes, &mut things),
            5 => {
                if let Some(Thing::Frame(frame)) = things.iter().find(|thing| matches!(thing, Thing::Frame(_))) {
                    let mut more = Vec::new();
                    more.extend(frame.try_clone().ok().map(|frame| Thing::Erased(frame.erase())));
                    more.extend(frame.download().ok().map(Thing::Host));
                    more.push(Thing::Pool(frame.pool()));
                    things.extend(more);
                }
            }
            _ => {
                if things.len() > 1 {
                    finish(world, things.swap_remove(index));
                }
            }
        }
    }
    world.note("everything goes");
    drop(device);
    drop_in_any_order(&mut world.rng, things);
}

fn encode<M: DeviceMemory>(world: &mut World, things: &mut Vec<Thing<M>>) {
    let Some(place) = things.iter().position(|thing| matches!(thing, Thing::Frame(_))) else { return };
    let Thing::Frame(mut frame) = things.swap_remove(place) else { return };
    frame.set_pts(world.rng.below(100) as i64);
    let Some(Thing::Encoder(encoder)) = things.iter_mut().find(|thing| matches!(thing, Thing::Encoder(_))) else {
        return;
    };
    let packets: Vec<_> = match encoder.send(frame) {
        Ok(ready) => ready.flatten().map(Thing::Packet).collect(),
        Err(failed) => vec![Thing::Frame(failed.into_value())],
    };
    things.extend(packets);
}

fn decode<M: DeviceMemory>(world: &mut World, device: &Arc<Device<M>>, bytes: &[u8], things: &mut Vec<Thing<M>>) {
    let Ok(mut input) = Demuxer::from_read_seek(Cursor::new(bytes.to_vec())) else { return };
    let Ok(video) = input.video() else { return };
    let hold = world.rng.below(4) as u32;
    let mut decoder = Decoder::new(device, &video).extra_frames(hold);
    if world.rng.one_in(3) {
        decoder = decoder.surfaces(avsluice::decode::Surfaces::Direct);
    }
    let opened = decoder.open();
    world.note(format_args!("decoder of {}: {}", video.codec(), outcome(&opened)));
    let Ok(mut decoder) = opened else { return };
    for _ in 0..world.rng.between(1, 10) {
        let Ok(Some(packet)) = input.read() else { break };
        if let Ok(ready) = decoder.send(packet) {
            things.extend(ready.flatten().take(3).map(Thing::Frame));
        }
    }
    things.push(Thing::Decoder(decoder));
}

/// Ends one of them in one of the ways there are.
fn finish<M: DeviceMemory>(world: &mut World, thing: Thing<M>) {
    let way = world.rng.below(3);
    match thing {
        Thing::Encoder(encoder) if way == 0 => drop(encoder.flush().map(|encoder| encoder.abandon().free())),
        Thing::Encoder(encoder) if way == 1 => {
            if let Ok(flushing) = encoder.flush() {
                drop(flushing.finish(avsluice::Limit::default(), |_| Ok(())));
            }
        }
        Thing::Decoder(decoder) if way == 0 => drop(decoder.flush().map(|decoder| decoder.abandon().free())),
        Thing::Decoder(decoder) if way == 1 => {
            if let Ok(flushing) = decoder.flush() {
                drop(flushing.finish(avsluice::Limit::default(), |_| Ok(())));
            }
        }
        other => drop(other),
    }
}
