//! The ends of lives: dropped early, several at once, many in a row, and what is left at the very end.

use super::{CLOCK, FORMAT};
use crate::{
    backend::Backend,
    picture,
    run::{Outcome, Run},
};
use anyhow::{Result, anyhow, ensure};
use avsluice::{Decoder, Device, Encoder, ErrorKind, Frame, FramePool, Limit, System, TeardownReport};
use std::thread;

/// Cycles of the check that counts them.
const CYCLES: usize = 100;

/// Frames in each life of a check that has many.
const FEW: usize = 8;

pub fn drop_without_flush<B: Backend>(run: &Run<B>) -> Result<Outcome> {
    let device = run.device()?;
    let inside = {
        let pool = FramePool::new(&device, FORMAT)?;
        let mut encoder = Encoder::new(&pool, CLOCK, B::h264()).max_b_frames(2).open()?;
        let mut host = Frame::system(FORMAT)?;
        for number in 0..FEW {
            picture::paint(&mut host, number)?;
            // Leaves what is ready inside: an encoder that takes few pictures at once is full at some point.
            match encoder.send(host.upload(&pool)?) {
                Ok(ready) => drop(ready),
                Err(failed) if *failed.kind() == ErrorKind::Full => break,
                Err(failed) => return Err(failed.into()),
            }
        }
        let (mut input, video) = run.open_input()?;
        let mut decoder = Decoder::new(&device, &video).open()?;
        for packet in input.packets(&video).take(FEW) {
            for frame in decoder.send(packet?)? {
                drop(frame?);
            }
        }
        encoder.in_flight()
    };
    run.refuse_references(&device)?;
    run.close(device)?;
    run.passed(format!(
        "encoder with {inside} frames inside and decoder dropped; 0 references left{}",
        run.but_for_leaks()
    ))
}

fn encode_few<B: Backend>(device: &Device<B::Memory>, frames: usize) -> Result<TeardownReport> {
    let pool = FramePool::new(device, FORMAT)?;
    let mut encoder = Encoder::new(&pool, CLOCK, B::h264()).open()?;
    let mut host: Frame<System> = Frame::system(FORMAT)?;
    for number in 0..frames {
        picture::paint(&mut host, number)?;
        for packet in encoder.send(host.upload(&pool)?)? {
            drop(packet?);
        }
    }
    Ok(encoder.flush()?.finish(Limit::default(), |_| Ok(()))?.free())
}

pub fn four_encoders<B: Backend>(run: &Run<B>) -> Result<Outcome> {
    let device = run.device()?;
    let reports = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| encode_few::<B>(&device, run.frames))).collect();
        let joined =
            threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("an encoder's thread panicked"))?);
        joined.collect::<Result<Vec<_>>>()
    })?;
    for report in &reports {
        ensure!(report.received == run.frames as u64, "{report}");
    }
    run.refuse_references(&device)?;
    run.close(device)?;
    run.passed(format!("4 threads, {} frames in and out of each", run.frames))
}

pub fn cycles<B: Backend>(run: &Run<B>) -> Result<Outcome> {
    for cycle in 0..CYCLES {
        let device = run.device()?;
        let report = encode_few::<B>(&device, 2)?;
        ensure!(report.received == 2, "cycle {cycle}: {report}");
        run.close(device)?;
        run.progress(cycle + 1, CYCLES);
        let left = run.left_alive();
        ensure!(left.is_empty(), "after cycle {cycle}: {left:?}");
    }
    run.passed(format!("{CYCLES} times device, pool, encoder, 2 frames; nothing left alive{}", run.but_for_leaks()))
}

/// One whole life, and the books afterwards.
pub fn references<B: Backend>(run: &Run<B>) -> Result<Outcome> {
    let device = run.device()?;
    encode_few::<B>(&device, FEW)?;
    run.refuse_references(&device)?;
    run.close(device)?;
    match run.simulation {
        Some(simulation) => {
            let ledger = simulation.ledger();
            let alive: u64 = run.left_alive().values().sum();
            let but = run.but_for_leaks();
            run.passed(format!("ledger: {alive} objects alive{but}, {} violations", ledger.violations.len()))
        }
        None => run.passed(format!("0 references to the device{}", run.but_for_leaks())),
    }
}
