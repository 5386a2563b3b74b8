//! Frames: read and written to the last byte, up and down between host and device, mapped, imported and copied from DMA-BUFs.

use super::input;
use crate::world::{World, drop_in_any_order, look_at, outcome};
use avsluice::drm::{self, DmaBuf, LINEAR, fourcc};
use avsluice::{
    Decoder, Demuxer, Device, DeviceMemory, Encoder, Format, Frame, FramePool, Mapping, Named, PixelFormat, Stream,
    System, TimeBase,
};
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::fs::File;
use std::io::{Cursor, Seek as _, SeekFrom, Write as _};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub fn run(world: &mut World) {
    match world.rng.below(6) {
        0 => system(world),
        1 => {
            let Ok(device) = Device::cuda(0) else { return };
            transfers(world, &device);
        }
        2 => {
            let Ok(device) = Device::vaapi(simgpu::va::NODE) else { return };
            transfers(world, &device);
        }
        3 => shrinking(world),
        4 => imported(world),
        _ => upside_down(world),
    }
}

fn system(world: &mut World) {
    let format = world.format();
    world.note(format_args!("frames of {format:?}"));
    let Ok(pool) = FramePool::new(System, format) else { return };
    let mut kept = Vec::new();
    for _ in 0..world.rng.between(1, 6) {
        let Ok(mut frame) = pool.frame() else { return };
        if world.rng.one_in(2) {
            world.paint(&mut frame);
        }
        if let Ok(second) = frame.try_clone() {
            world.paint(&mut frame);
            kept.push(second);
        }
        world.take_frame(&frame);
        kept.push(frame);
    }
    drop_in_any_order(&mut world.rng, kept);
}

/// Frames that some decoder made, or that we made: of any shape.
fn source(world: &mut World) -> Option<Frame<'static, System>> {
    if world.rng.one_in(2) {
        let (_, bytes) = input::file(world);
        let input = Demuxer::from_read_seek(Cursor::new(bytes)).ok()?;
        let video = input.video().ok()?;
        let decoder = Decoder::new(System, &video).threads(1).open().ok()?;
        return decoder.frames(input.into_packets(&video)).next()?.ok();
    }
    let format = Format {
        pixels: world.rng.choose(&[PixelFormat::Nv12, PixelFormat::Yuv420p, PixelFormat::P010]),
        ..world.format()
    };
    let mut frame = FramePool::new(System, format).ok()?.frame().ok()?;
    world.paint(&mut frame);
    Some(frame)
}

fn transfers<M: DeviceMemory>(world: &mut World, device: &Device<M>) {
    for _ in 0..world.rng.between(1, 4) {
        let Some(frame) = source(world) else { continue };
        world.note(format_args!("upload of {:?}", frame.format()));
        let format = if world.rng.one_in(6) { world.format() } else { frame.format() };
        let Ok(pool) = FramePool::new(device, format) else { continue };
        let uploaded = frame.upload(&pool);
        world.note(format_args!("upload of {:?}: {}", frame.format(), outcome(&uploaded)));
        let Ok(uploaded) = uploaded else { continue };
        look_at(world, &uploaded);
        let mut shares: Vec<_> = (0..world.rng.below(3)).filter_map(|_| uploaded.try_clone().ok()).collect();
        let mapping = world.rng.choose(&[Mapping::Direct, Mapping::Copy]);
        if let Ok(mapped) = uploaded.map(mapping) {
            world.take_mapped(&mapped);
            if let (true, Ok(copy)) = (world.rng.one_in(2), mapped.to_frame()) {
                drop(mapped);
                drop(copy.upload(&pool));
            }
        }
        if let Ok(back) = uploaded.download() {
            world.take_frame(&back);
        }
        shares.push(uploaded);
        drop(pool);
        drop_in_any_order(&mut world.rng, shares);
    }
}

/// A raw picture whose rows run from the bottom to the top.
fn upside_down(world: &mut World) {
    let format = Format { width: 64, height: 64, pixels: PixelFormat::Yuv420p };
    let Some(video) =
        Stream::of_packets("rawvideo", TimeBase::hz(25)).ok().and_then(|stream| stream.with_size(64, 64).ok())
    else {
        return;
    };
    let _ = format;
    // Which layout it is, is known from a file alone: an encoder's packets in one.
    let pool = FramePool::new(System, format);
    let Ok(pool) = pool else { return };
    let Ok(mut encoder) = Encoder::new(&pool, TimeBase::hz(25), Named::new("rawvideo")).open() else { return };
    let container = world.rng.pick(&["nut", "matroska", "avi", "yuv4mpegpipe"]);
    let Ok(mut output) = avsluice::Muxer::to_write_seek(container, Cursor::new(Vec::new())) else { return };
    // Else some containers write numbers of chance.
    output.option("fflags", "+bitexact");
    let Ok(track) = output.add(&encoder) else { return };
    let Ok(mut output) = output.open() else { return };
    for pts in 0..2 {
        let Ok(mut frame) = pool.frame() else { return };
        world.paint(&mut frame);
        frame.set_pts(pts);
        if let Ok(ready) = encoder.send(frame) {
            for packet in ready.flatten() {
                let _ = output.write(track, packet);
            }
        }
    }
    drop(encoder);
    let Ok(file) = output.finish_into::<Cursor<Vec<u8>>>() else { return };
    let Ok(mut input) = Demuxer::from_read_seek(file) else { return };
    let Ok(found) = input.video() else { return };
    drop(video);
    let Ok(flipped) = found.with_extradata(b"BottomUp\0") else { return };
    let opened = Decoder::new(System, &flipped).threads(1).open();
    world.note(format_args!("rows from the bottom in {container}: {}", outcome(&opened)));
    let Ok(mut decoder) = opened else { return };
    let Some(packet) = input.read().ok().flatten() else { return };
    let frame = decoder.send(packet).ok().and_then(|mut ready| ready.next()).and_then(Result::ok);
    let Some(frame) = frame else { return };
    world.take_frame(&frame);
    if world.rng.one_in(2) {
        if let Ok(device) = Device::cuda(0) {
            if let Ok(pool) = FramePool::new(&device, frame.format()) {
                drop(frame.upload(&pool));
            }
        }
    } else if let Ok(device) = Device::vaapi(simgpu::va::NODE) {
        if let Ok(pool) = FramePool::new(&device, frame.format()) {
            drop(frame.upload(&pool));
        }
    }
    let pool = frame.pool();
    let name = world.rng.pick(&["mpeg4", "libx264", "ffv1", "mjpeg", "huffyuv", "libx265"]);
    if let Ok(mut encoder) = Encoder::new(&pool, TimeBase::hz(25), Named::new(name)).threads(1).open() {
        let packets = encoder.send(frame).map(|ready| ready.flatten().collect::<Vec<_>>());
        for packet in packets.into_iter().flatten() {
            world.take_packet(&packet);
        }
    }
}

fn memory(size: u64) -> Option<File> {
    let file = File::from(memfd_create(c"attack", MFdFlags::MFD_ALLOW_SEALING).ok()?);
    file.set_len(size).ok()?;
    Some(file)
}

fn plane(file: &File, offset: u32, pitch: u32) -> Option<drm::Plane> {
    Some(drm::Plane { fd: OwnedFd::from(file.try_clone().ok()?), offset, pitch })
}

/// Memory that another thread takes away and seals while it is copied.
fn shrinking(world: &mut World) {
    let side = world.rng.choose(&[64_u32, 512, 2048, 4096]);
    let format = Format { width: side, height: side, pixels: PixelFormat::Nv12 };
    let Ok(pool) = FramePool::new(System, format) else { return };
    let area = u64::from(side) * u64::from(side);
    let (Some(luma), Some(chroma)) = (memory(area), memory(area / 2)) else { return };
    let seal = |file: &File| fcntl(file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_SHRINK)).is_ok();
    let kind = world.rng.below(5);
    let sealed_first = kind != 0 && seal(&luma) && (kind != 1 || seal(&chroma));
    world.note(format_args!("copies of shrinking memory, {side}x{side}, sealed: {sealed_first}, kind {kind}"));
    let planes = [plane(&luma, 0, side), plane(&chroma, 0, side)];
    let planes: Vec<_> = planes.into_iter().flatten().collect();
    let picture = DmaBuf { width: side, height: side, fourcc: fourcc(b"NV12"), modifier: LINEAR, planes };
    let spins = world.rng.choose(&[0, 100, 10_000, 100_000, 1_000_000]);
    let begun = Arc::new(AtomicBool::new(false));
    let length = world.rng.choose(&[0, area / 4, 4096]);
    std::thread::scope(|scope| {
        let other = Arc::clone(&begun);
        scope.spawn(move || {
            while !other.load(Ordering::SeqCst) {
                std::hint::spin_loop();
            }
            for _ in 0..spins {
                std::hint::spin_loop();
            }
            let _ = chroma.set_len(length);
            fcntl(&chroma, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_SHRINK)).is_ok()
        });
        begun.store(true, Ordering::SeqCst);
        // What is copied depends on the other thread: it does not come out.
        for _ in 0..3 {
            drop(pool.copy(&picture));
        }
    });
}

/// DMA-BUFs of any description.
fn imported(world: &mut World) {
    let format = Format {
        pixels: world.rng.choose(&[PixelFormat::Nv12, PixelFormat::Bgra, PixelFormat::P010]),
        ..world.format()
    };
    let rng = &mut world.rng;
    let size = rng.choose(&[0, 4096, 64 * 64 * 2, 1 << 20]);
    let Some(mut file) = memory(size) else { return };
    if rng.one_in(2) {
        let _ = fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_SHRINK));
    }
    let code = rng.choose(&[fourcc(b"NV12"), fourcc(b"XR24"), fourcc(b"P010"), fourcc(b"R8  "), 0]);
    let pitch = rng.choose(&[format.width, format.width.wrapping_mul(4), 0, u32::MAX, 256]);
    let mut planes = Vec::new();
    for index in 0..rng.choose(&[0, 1, 2, 2, 3, 5]) {
        let offset =
            if rng.one_in(4) { rng.edge() as u32 } else { u32::wrapping_mul(index, pitch).wrapping_mul(format.height) };
        planes.extend(plane(&file, offset, pitch));
    }
    let modifier = if rng.one_in(5) { rng.next() } else { LINEAR };
    world.note(format_args!("DMA-BUF of {size} bytes, pitch {pitch}, {} planes, for {format:?}", planes.len()));
    let picture = DmaBuf { width: format.width, height: format.height, fourcc: code, modifier, planes };
    if world.rng.one_in(2) {
        let Ok(pool) = FramePool::new(System, format) else { return };
        if let Ok(frame) = pool.copy(&picture) {
            world.take_frame(&frame);
        }
        return;
    }
    let Ok(device) = Device::vaapi(simgpu::va::NODE) else { return };
    let Ok(pool) = FramePool::new(&device, format) else { return };
    let imported = pool.import(picture);
    world.note(format_args!("import: {}", outcome(&imported)));
    let Ok(frame) = imported else { return };
    if let Ok(mapped) = frame.map(Mapping::Direct) {
        world.take_mapped(&mapped);
        // Somebody else draws into the picture meanwhile, or takes its memory away: what is read is one or the other.
        let other = vec![0xA5; usize::try_from(size).unwrap_or(0)];
        let _ = file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&other));
        let _ = file.set_len(0);
        drop(mapped.to_frame());
    }
    if let Ok(copy) = frame.download() {
        drop(copy);
    }
}
