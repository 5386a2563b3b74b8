//! Decode -> encode in device memory against the same through host memory (download and upload of each frame), in frames
//! per second by size. Codecs are opened outside the measured time, which runs from the first packet to the end of the drain.
//!
//! On a machine with no NVIDIA GPU the driver is simulated, and the benchmarks' names say so: those figures are of a CPU.

#[path = "support/driver.rs"]
mod driver;
#[path = "support/stream.rs"]
mod stream;

use avsluice::{Decoder, Demuxer, Device, Encoder, Format, FramePool, PixelFormat, Result, nvenc, transfer};
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use std::{
    path::Path,
    time::{Duration, Instant},
};

const SIZES: [(u32, u32); 3] = [(640, 360), (1280, 720), (1920, 1080)];

/// Frames of each transcode.
const FRAMES: usize = 12;

/// The way of a frame from the decoder to the encoder.
#[derive(Clone, Copy)]
enum Way {
    Device,
    Host,
}

fn transcode(path: &Path, width: u32, height: u32, way: Way) -> Result<Duration> {
    let device = Device::cuda(0)?;
    let mut input = Demuxer::open(path)?;
    let video = input.video()?;
    let mut frames = Decoder::new(&device, &video).open()?.frames(input.packets(&video));
    let pool = FramePool::new(&device, Format { width, height, pixels: PixelFormat::Nv12 })?;
    let mut encoder =
        Encoder::new(&pool, video.time_base(), nvenc::H264::new()).frame_rate(stream::RATE as u32, 1).open()?;
    let before = transfer::stats();

    let start = Instant::now();
    for frame in &mut frames {
        let frame = match way {
            Way::Device => frame?,
            Way::Host => frame?.download()?.upload(&pool)?,
        };
        for packet in encoder.send(frame)? {
            drop(packet?);
        }
    }
    let mut encoder = encoder.flush()?;
    while encoder.receive()?.is_some() {}
    let took = start.elapsed();

    let after = transfer::stats();
    let copies = (after.downloads - before.downloads, after.uploads - before.uploads);
    let due = match way {
        Way::Device => (0, 0),
        Way::Host => (FRAMES as u64, FRAMES as u64),
    };
    assert_eq!(copies, due, "downloads and uploads of {FRAMES} frames");
    let report = encoder.abandon().free();
    assert_eq!((report.sent, report.received), (FRAMES as u64, FRAMES as u64), "{report}");
    frames.close().free();
    drop(pool);
    device.close()?;
    Ok(took)
}

fn zero_copy(criterion: &mut Criterion) {
    let Some(label) = driver::skip("zero_copy", driver::label()) else { return };
    let folder = tempfile::tempdir().expect("a folder for the input");
    let mut group = criterion.benchmark_group(format!("zero_copy {label}"));
    group.sample_size(10).sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(FRAMES as u64));
    group.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
    for (width, height) in SIZES {
        let path = folder.path().join(format!("{width}x{height}.mp4"));
        let made =
            stream::h264(&path, width, height, FRAMES).and_then(|()| transcode(&path, width, height, Way::Device));
        if driver::skip("zero_copy", made).is_none() {
            return;
        }
        for (name, way) in [("device", Way::Device), ("host", Way::Host)] {
            group.bench_function(BenchmarkId::new(format!("{width}x{height}"), name), |bencher| {
                bencher.iter_custom(|count| {
                    (0..count).map(|_| transcode(&path, width, height, way).expect("it went well before")).sum()
                });
            });
        }
    }
    group.finish();
}

// Written out, for what criterion_main! expands to has public functions without documentation.
fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    zero_copy(&mut criterion);
    criterion.final_summary();
}
