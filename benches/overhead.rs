//! avsluice against the same loop in C: H.264 decoded and MPEG-4 encoded, in software, with one thread each. No GPU is involved.
//!
//! Both are whole lives, from the opening of the file to the freeing of the codecs, and are checked first to give the same
//! packets. Differences of a few percent are noise of the machine: `cargo xtask bench` counts instructions, which are the ones to claim.

#[path = "support/stream.rs"]
mod stream;

use avsluice::Result;
use c_loop::Counts;
use criterion::{Criterion, SamplingMode, Throughput};
use std::{path::Path, time::Duration};

const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;
const FRAMES: usize = 100;
const BIT_RATE: u64 = 1_000_000;

fn avsluice_loop(path: &Path) -> Result<Counts> {
    loops::run(path, usize::MAX, BIT_RATE)
}

fn c_loop(path: &Path) -> Counts {
    c_loop::run(path, usize::MAX, BIT_RATE as i64).expect("the C loop runs")
}

fn overhead(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for the input");
    let path = folder.path().join("input.mp4");
    if let Err(error) = stream::h264(&path, WIDTH, HEIGHT, FRAMES) {
        eprintln!("overhead: skipped: {error}");
        return;
    }
    let ours = avsluice_loop(&path).expect("the loop runs");
    assert_eq!(ours, c_loop(&path), "the two loops do different work");
    assert_eq!(ours.packets, FRAMES as i64, "a packet for each frame");

    let mut group = criterion.benchmark_group("overhead");
    group.sample_size(10).sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(FRAMES as u64));
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(5));
    group.bench_function("C loop", |bencher| bencher.iter(|| c_loop(&path)));
    group.bench_function("avsluice", |bencher| bencher.iter(|| avsluice_loop(&path).expect("it went well before")));
    group.finish();
}

// Written out, for what criterion_main! expands to has public functions without documentation.
fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    overhead(&mut criterion);
    criterion.final_summary();
}
