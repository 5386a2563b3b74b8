//! What a check is given, and what it may say.

use crate::backend::Backend;
use anyhow::{Result, bail};
use avsluice::{Demuxer, Device, Error, ErrorKind, Stream};
use clap::ValueEnum;
use simgpu::Simgpu;
use std::{collections::BTreeMap, marker::PhantomData, path::PathBuf};

/// Whose driver the checks run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Driver {
    /// The machine's own.
    Hardware,
    /// simgpu's.
    Simulated,
}

impl Driver {
    pub fn name(self) -> &'static str {
        match self {
            Driver::Hardware => "hardware",
            Driver::Simulated => "simulated",
        }
    }
}

/// How a check ended that did not fail.
pub enum Outcome {
    /// Passed, with its figure.
    Passed(String),
    /// This hardware cannot do it.
    Skipped(String),
}

/// One check's surroundings.
pub struct Run<B: Backend> {
    pub driver: Driver,
    pub frames: usize,
    pub input: PathBuf,
    pub work: PathBuf,
    pub simulation: Option<Simgpu>,
    backend: PhantomData<fn() -> B>,
}

impl<B: Backend> Run<B> {
    pub fn start(driver: Driver, frames: usize, input: PathBuf, work: PathBuf) -> Result<Self> {
        let simulation = match driver {
            Driver::Hardware => None,
            Driver::Simulated => {
                let simulation = B::simulate()?;
                // As encoders were before Turing: small streams are to be tested too.
                simulation.configure(simgpu::Config { encoder_min_size: (33, 17), ..Default::default() });
                Some(simulation)
            }
        };
        Ok(Run { driver, frames, input, work, simulation, backend: PhantomData })
    }
    pub fn device(&self) -> Result<Device<B::Memory>> {
        Ok(B::device(self.driver)?)
    }
    /// Closes a device, on which nothing may be left but what FFmpeg leaks.
    pub fn close(&self, device: Device<B::Memory>) -> Result<()> {
        match device.close() {
            Err(failed) if B::leaked_by_encoders().is_empty() => Err(failed.into()),
            _ => Ok(()),
        }
    }
    /// That nothing refers to a device but its owner, and what FFmpeg leaks.
    pub fn refuse_references(&self, device: &Device<B::Memory>) -> Result<()> {
        let references = device.references();
        if references > 0 && B::leaked_by_encoders().is_empty() {
            bail!("{references} references to the device are left");
        }
        Ok(())
    }
    /// What is alive in the simulated driver, but for what FFmpeg leaks.
    pub fn left_alive(&self) -> BTreeMap<String, u64> {
        let mut live = self.simulation.map(|simulation| simulation.ledger().live).unwrap_or_default();
        live.retain(|kind, _| !B::leaked_by_encoders().contains(&kind.as_str()));
        live
    }
    /// How that is said of a version that leaks.
    pub fn but_for_leaks(&self) -> &'static str {
        if B::leaked_by_encoders().is_empty() { "" } else { " but for what FFmpeg 7.1 leaks of its vaapi encoders" }
    }
    /// The input and its video stream.
    pub fn open_input(&self) -> Result<(Demuxer, Stream)> {
        let input = Demuxer::open(&self.input)?;
        let video = input.video()?;
        Ok((input, video))
    }
    pub fn passed(&self, figure: impl Into<String>) -> Result<Outcome> {
        Ok(Outcome::Passed(figure.into()))
    }
    pub fn progress(&self, done: usize, total: usize) {
        println!("{}", serde_json::json!({"progress": {"done": done, "total": total}}));
    }
    /// The simulated driver's complaints, but for those that the check provokes.
    pub fn refuse_violations(&self, allowed: &[&str]) -> Result<()> {
        let Some(simulation) = self.simulation else { return Ok(()) };
        let ledger = simulation.ledger();
        let bad: Vec<_> =
            ledger.violations.iter().filter(|line| !allowed.iter().any(|allowed| line.contains(allowed))).collect();
        if !bad.is_empty() {
            bail!("the simulated driver saw {} violations: {bad:?}", bad.len());
        }
        let left = self.left_alive();
        if !left.is_empty() {
            bail!("objects of the simulated driver were left alive: {left:?}");
        }
        Ok(())
    }
}

/// What the hardware or the driver cannot do is no failure.
pub fn skip_unsupported<B: Backend>(result: Result<Outcome>) -> Result<Outcome> {
    result.or_else(|error| {
        let reason = error.chain().find_map(|cause| cause.downcast_ref::<Error>()).and_then(reason::<B>);
        reason.map(Outcome::Skipped).ok_or(error)
    })
}

fn reason<B: Backend>(error: &Error) -> Option<String> {
    let encoder = error.operation() == "avcodec_open2" && error.log().iter().any(|line| line.contains(B::ENCODER));
    match error.kind() {
        ErrorKind::Unsupported | ErrorKind::DriverMissing if encoder => {
            Some(error.explanation().map_or_else(|| error.to_string(), str::to_string))
        }
        _ => None,
    }
}
