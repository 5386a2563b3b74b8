//! Loggers that panic, whose panics' values panic, or that call the library again, in programs that make FFmpeg log.

use super::{device, encode, frames, input, output, packets};
use crate::logger;
use crate::world::{World, outcome};
use avsluice::{Demuxer, Device, Encoder, Format, FramePool, Muxer, Named, PixelFormat, Stream, System, TimeBase};
use log::LevelFilter;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub fn run(world: &mut World) {
    let conduct = world.rng.choose(&logger::ALL);
    let level = world.rng.choose(&[LevelFilter::Error, LevelFilter::Warn, LevelFilter::Info, LevelFilter::Trace]);
    let patience = world.rng.choose(&[0, 0, 0, 1, 3, 20]);
    world.note(format_args!("logger {conduct:?} at {level} after {patience}"));
    for _ in 0..world.rng.between(1, 3) {
        logger::behave(conduct, level, patience);
        let part = world.rng.below(10);
        // A logger's panic may come back to the caller, who goes on.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| one(world, part))) {
            drop(catch_unwind(AssertUnwindSafe(|| drop(payload))));
        }
    }
}

fn one(world: &mut World, part: usize) {
    match part {
        0 => drop(Demuxer::from_read(std::io::Cursor::new(world.rng.bytes(5000)))),
        1 | 2 => {
            // A time base that encoders talk about.
            let name = world.rng.pick(&["mpeg4", "libx264", "libx265", "mpeg2video", "mjpeg", "nosuch", "h264_nvenc"]);
            let Ok(pool) = FramePool::new(System, Format { width: 64, height: 64, pixels: PixelFormat::Yuv420p })
            else {
                return;
            };
            let den = world.rng.choose(&[1_000_000, 25, 0, i32::MAX]);
            let opened = Encoder::new(&pool, TimeBase { num: 1, den }, Named::new(name)).frame_rate(25, 1).open();
            world.note(format_args!("{name}: {}", outcome(&opened)));
            let Ok(mut encoder) = opened else { return };
            if let Ok(frame) = pool.frame() {
                drop(encoder.send(frame));
            }
        }
        3 => {
            let Ok(mut device) = Device::cuda(0).map(Some) else { return };
            let function = world.rng.pick(&["cuDevicePrimaryCtxRelease*", "cuStreamSynchronize", "cuCtx*", "cuMem*"]);
            world.note(format_args!("device, fault in {function}"));
            world.fail(simgpu::Fault { function: function.into(), nth: 1, status: 999, sticky: true });
            drop(device.take());
            world.gpu.clear_faults();
        }
        4 | 5 => {
            // An output that is dropped or that fails.
            let Ok(stream) = Stream::of_packets("h264", TimeBase::hz(25)).and_then(|stream| stream.with_size(64, 64))
            else {
                return;
            };
            let format = world.rng.pick(&["matroska", "mp4", "mpegts", "avi", "nut", "segment"]);
            let path = world.folder.join("logged%d.bin");
            let Ok(mut output) = Muxer::create_as(format, path) else { return };
            if output.add_copy(&stream).is_err() {
                return;
            }
            world.note(format_args!("format={format}"));
            if let Ok(opened) = output.open() {
                world.note(format_args!("format={format} dropped"));
                drop(opened);
            }
        }
        6 => output::run_logged(world),
        7 => device::run(world),
        8 => match world.rng.below(3) {
            0 => input::run(world),
            1 => packets::run(world),
            _ => frames::run(world),
        },
        _ => encode::run(world),
    }
}
