//! Two to four threads: each with a program of its own, or all on the same device, pool, frames and packets.

use super::{device, encode, frames, input, output, packets};
use crate::world::World;
use avsluice::{Device, DeviceMemory, Encoder, Format, Frame, FramePool, Named, Packet, PixelFormat, System, TimeBase};
use std::sync::{Arc, Mutex, PoisonError};

pub fn run(world: &mut World) {
    match world.rng.below(4) {
        0 => apart(world),
        1 => {
            let Ok(device) = Device::cuda(0) else { return };
            shared(world, Arc::new(device), "h264_nvenc");
        }
        2 => {
            let Ok(device) = Device::vaapi(simgpu::va::NODE) else { return };
            shared(world, Arc::new(device), "h264_vaapi");
        }
        _ => handed_over(world),
    }
}

/// The digest of such a program is the process's only: what comes out depends on the threads' order.
fn apart(world: &mut World) {
    let parts: [(&str, fn(&mut World)); 6] = [
        ("encode", encode::run),
        ("input", input::run),
        ("output", output::run),
        ("packets", packets::run),
        ("frames", frames::run),
        ("device", device::run),
    ];
    let mut threads = Vec::new();
    for number in 0..world.rng.between(2, 4) {
        let (name, part) = parts[world.rng.below(parts.len())];
        let mut own = world.fork(&format!("thread {number}"));
        own.folder = own.folder.join(number.to_string());
        let _ = std::fs::create_dir_all(&own.folder);
        world.note(format_args!("thread {number} {name}"));
        threads.push(std::thread::spawn(move || part(&mut own)));
    }
    for thread in threads {
        // A planned panic ends its thread.
        if let Err(payload) = thread.join() {
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(payload)));
        }
    }
}

fn shared<M: DeviceMemory>(world: &mut World, device: Arc<Device<M>>, encoder: &'static str)
where
    Named: avsluice::encode::Encodes<M>,
{
    let format = Format { width: 160, height: 96, pixels: PixelFormat::Nv12 };
    let Ok(pool) = FramePool::new(&device, format) else { return };
    let Ok(frame) = pool.frame() else { return };
    let frame = Arc::new(frame);
    world.note(format_args!("threads on one device, pool and frame, {encoder}"));
    let mut threads = Vec::new();
    for number in 0..world.rng.between(2, 4) {
        let mut own = world.fork(&format!("thread {number}"));
        let (device, pool, frame) = (Arc::clone(&device), pool.clone(), Arc::clone(&frame));
        threads.push(std::thread::spawn(move || {
            let mut packets = Vec::new();
            let opened = Encoder::new(&pool, TimeBase::hz(25), Named::new(encoder)).open();
            let mut opened = opened.ok();
            for pts in 0..own.rng.between(1, 5) {
                let Ok(mut copy) = frame.try_clone() else { break };
                copy.set_pts(pts as i64);
                drop(frame.download());
                match opened.as_mut().map(|encoder| encoder.send(copy)) {
                    Some(Ok(ready)) => packets.extend(ready.flatten()),
                    Some(Err(failed)) => drop(failed.into_value()),
                    None => {}
                }
                drop(FramePool::new(&device, format).and_then(|pool| pool.frame()));
                if own.rng.one_in(4) {
                    let _ = device.synchronize();
                }
            }
            if own.rng.one_in(2) {
                drop(device);
                drop(pool);
            }
            packets
        }));
    }
    if world.rng.one_in(2) {
        drop((device, pool, frame));
    }
    for thread in threads {
        let _ = thread.join();
    }
}

/// Frames and packets that threads pass to each other.
fn handed_over(world: &mut World) {
    let format = Format { width: 64, height: 64, pixels: PixelFormat::Yuv420p };
    let Ok(pool) = FramePool::new(System, format) else { return };
    let frames: Arc<Mutex<Vec<Frame<'static, System>>>> = Arc::default();
    let packets: Arc<Mutex<Vec<Packet>>> = Arc::default();
    world.note("threads that hand frames and packets over");
    std::thread::scope(|scope| {
        for number in 0..world.rng.between(2, 4) {
            let mut own = world.fork(&format!("thread {number}"));
            let (pool, frames, packets) = (pool.clone(), Arc::clone(&frames), Arc::clone(&packets));
            scope.spawn(move || {
                let mut encoder = Encoder::new(&pool, TimeBase::hz(25), Named::new("mpeg4")).threads(1).open().ok();
                for _ in 0..own.rng.between(4, 30) {
                    match own.rng.below(5) {
                        0 => {
                            let Ok(mut frame) = pool.frame() else { continue };
                            own.paint(&mut frame);
                            let second = frame.try_clone().ok();
                            let mut all = frames.lock().unwrap_or_else(PoisonError::into_inner);
                            all.push(frame);
                            all.extend(second);
                        }
                        1 => {
                            let frame = frames.lock().unwrap_or_else(PoisonError::into_inner).pop();
                            if let (Some(frame), Some(encoder)) = (frame, encoder.as_mut()) {
                                if let Ok(ready) = encoder.send(frame) {
                                    packets.lock().unwrap_or_else(PoisonError::into_inner).extend(ready.flatten());
                                }
                            }
                        }
                        2 => {
                            let frame = frames.lock().unwrap_or_else(PoisonError::into_inner).pop();
                            if let Some(mut frame) = frame {
                                own.paint(&mut frame);
                                own.take_frame(&frame);
                            }
                        }
                        3 => {
                            let all = packets.lock().unwrap_or_else(PoisonError::into_inner);
                            let copy = all.last().and_then(|packet| packet.try_clone().ok());
                            drop(all);
                            if let Some(packet) = copy {
                                own.take_packet(&packet);
                            }
                        }
                        _ => drop(packets.lock().unwrap_or_else(PoisonError::into_inner).pop()),
                    }
                }
            });
        }
    });
}
