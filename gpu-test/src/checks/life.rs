//! The ends of lives: dropped early, several at once, many in a row, and what is left at the very end.

use super::encode::{CLOCK, FORMAT};
use crate::{
    picture,
    run::{Outcome, Run},
};
use anyhow::{Result, anyhow, ensure};
use avsluice::{Cuda, Decoder, Device, Encoder, Frame, FramePool, Limit, System, TeardownReport, nvenc};
use std::thread;

/// Cycles of the check that counts them.
const CYCLES: usize = 100;

/// Frames in each life of a check that has many.
const FEW: usize = 8;

pub fn drop_without_flush(run: &Run) -> Result<Outcome> {
    let device = run.device()?;
    let inside = {
        let pool = FramePool::new(&device, FORMAT)?;
        let mut encoder = Encoder::new(&pool, CLOCK, nvenc::H264::new()).max_b_frames(2).open()?;
        let mut host = Frame::system(FORMAT)?;
        for number in 0..FEW {
            picture::paint(&mut host, number)?;
            drop(encoder.send(host.upload(&pool)?)?); // leaves what is ready inside
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
    let references = device.references();
    ensure!(references == 0, "{references} references to the device are left");
    device.close()?;
    run.passed(format!("encoder with {inside} frames inside and decoder dropped; 0 references left"))
}

fn encode_few(device: &Device<Cuda>, frames: usize) -> Result<TeardownReport> {
    let pool = FramePool::new(device, FORMAT)?;
    let mut encoder = Encoder::new(&pool, CLOCK, nvenc::H264::new()).open()?;
    let mut host: Frame<System> = Frame::system(FORMAT)?;
    for number in 0..frames {
        picture::paint(&mut host, number)?;
        for packet in encoder.send(host.upload(&pool)?)? {
            drop(packet?);
        }
    }
    Ok(encoder.flush()?.finish(Limit::default(), |_| Ok(()))?.free())
}

pub fn four_encoders(run: &Run) -> Result<Outcome> {
    let device = run.device()?;
    let reports = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| encode_few(&device, run.frames))).collect();
        let joined =
            threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("an encoder's thread panicked"))?);
        joined.collect::<Result<Vec<_>>>()
    })?;
    for report in &reports {
        ensure!(report.received == run.frames as u64, "{report}");
    }
    let references = device.references();
    ensure!(references == 0, "{references} references to the device are left");
    device.close()?;
    run.passed(format!("4 threads, {} frames in and out of each", run.frames))
}

pub fn cycles(run: &Run) -> Result<Outcome> {
    for cycle in 0..CYCLES {
        let device = run.device()?;
        let report = encode_few(&device, 2)?;
        ensure!(report.received == 2, "cycle {cycle}: {report}");
        device.close()?;
        run.progress(cycle + 1, CYCLES);
        if let Some(simulation) = run.simulation {
            let ledger = simulation.ledger();
            ensure!(ledger.is_empty(), "after cycle {cycle}: {:?}", ledger.live);
        }
    }
    run.passed(format!("{CYCLES} times device, pool, encoder, 2 frames; nothing left alive"))
}

/// One whole life, and the books afterwards.
pub fn references(run: &Run) -> Result<Outcome> {
    let device = run.device()?;
    encode_few(&device, FEW)?;
    let references = device.references();
    ensure!(references == 0, "{references} references to the device are left");
    device.close()?;
    match run.simulation {
        Some(simulation) => {
            let ledger = simulation.ledger();
            let alive: u64 = ledger.live.values().sum();
            run.passed(format!("ledger: {alive} objects alive, {} violations", ledger.violations.len()))
        }
        None => run.passed("0 references to the device"),
    }
}
