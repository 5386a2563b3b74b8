//! The checks of `cargo xtask gpu-test`. That program starts this one once for each check, in a process of its own with a time
//! limit, so that a crash or a hang is one check's. What it prints is `xtask/src/gpu_test/protocol.rs`.

#![forbid(unsafe_code)]

mod checks;
mod picture;
mod run;

use anyhow::{Context, Result};
use avsluice::{Cuda, Decoder, Demuxer, Device, Failed, System};
use clap::{Parser, Subcommand, ValueEnum};
use run::{Driver, Outcome, Run};
use serde_json::json;
use std::{path::PathBuf, process::ExitCode};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The checks of a backend, as JSON
    List {
        #[arg(long, value_enum, default_value = "nvidia")]
        backend: Backend,
    },
    /// The device that the checks will run on, and whether the input can be read, as JSON
    Probe {
        #[arg(long, value_enum, default_value = "auto")]
        backend: Backend,
        /// `auto` takes the simulated driver where there is no GPU
        #[arg(long, value_enum, default_value = "auto")]
        driver: Choice,
        /// A file that must be readable, and hold a video that the checks can run on
        #[arg(long)]
        input: Option<PathBuf>,
    },
    /// Runs one check; its result is the last line, as JSON
    Run {
        name: String,
        #[arg(long, value_enum, default_value = "nvidia")]
        backend: Backend,
        #[arg(long, value_enum)]
        driver: Driver,
        #[arg(long)]
        frames: usize,
        #[arg(long)]
        input: PathBuf,
        #[arg(long)]
        work: PathBuf,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Choice {
    Auto,
    Hardware,
    Simulated,
}

#[derive(Clone, Copy, ValueEnum)]
enum Backend {
    Auto,
    Nvidia,
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::List { backend: Backend::Auto | Backend::Nvidia } => {
            let list: Vec<_> = checks::ALL
                .iter()
                .map(|check| json!({"name": check.name, "title": check.title, "seconds": check.seconds}))
                .collect();
            println!("{}", json!(list));
            ExitCode::SUCCESS
        }
        Command::Probe { backend: Backend::Auto | Backend::Nvidia, driver, input } => match probe(driver, input) {
            Ok(found) => {
                println!("{found}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                println!("{}", json!({"error": format!("{error:#}")}));
                ExitCode::FAILURE
            }
        },
        Command::Run { name, backend: Backend::Auto | Backend::Nvidia, driver, frames, input, work } => {
            let result = check(&name, driver, frames, input, work);
            let (line, code) = match result {
                Ok(Outcome::Passed(figure)) => (json!({"status": "passed", "figure": figure}), ExitCode::SUCCESS),
                Ok(Outcome::Skipped(reason)) => (json!({"status": "skipped", "reason": reason}), ExitCode::SUCCESS),
                Err(error) => (json!({"status": "failed", "reason": format!("{error:#}")}), ExitCode::FAILURE),
            };
            println!("{line}");
            code
        }
    }
}

fn check(name: &str, driver: Driver, frames: usize, input: PathBuf, work: PathBuf) -> Result<Outcome> {
    let check = checks::ALL.iter().find(|check| check.name == name);
    let check = check.with_context(|| format!("there is no check `{name}`"))?;
    let run = Run::start(driver, frames, input, work)?;
    let outcome = run::skip_unsupported((check.run)(&run))?;
    run.refuse_violations(check.allows)?;
    Ok(outcome)
}

/// Looks at the input first: its error is the user's, not the device's.
fn probe(driver: Choice, input: Option<PathBuf>) -> Result<serde_json::Value> {
    if let Some(input) = &input {
        readable(input)?;
    }
    let (driver, reason) = match driver {
        Choice::Hardware => (Driver::Hardware, None),
        Choice::Simulated => {
            simgpu::start()?;
            (Driver::Simulated, Some("as asked for"))
        }
        Choice::Auto => match simgpu::start_if_no_gpu()? {
            Some(_) => (Driver::Simulated, Some("this machine has no NVIDIA GPU")),
            None => (Driver::Hardware, None),
        },
    };
    let device = Device::cuda(0)?;
    let name = device.name()?;
    if let Some(input) = &input {
        decodable(&device, input)?;
    }
    device.close()?;
    Ok(json!({"backend": "nvidia", "driver": driver.name(), "device": name, "reason": reason}))
}

/// Whether the device decodes the file's video: what it cannot is an error of the choice of file, and named once.
fn decodable(device: &Device<Cuda>, input: &PathBuf) -> Result<()> {
    let mut file = Demuxer::open(input)?;
    let video = file.video()?;
    let decoder = Decoder::new(device, &video).open().map_err(Failed::into_error);
    let mut frames = decoder.with_context(|| input.display().to_string())?.frames(file.packets(&video));
    frames.first().with_context(|| input.display().to_string())?;
    frames.close().free();
    Ok(())
}

/// Whether the file has a video of which a picture can be decoded.
fn readable(input: &PathBuf) -> Result<()> {
    let mut file = Demuxer::open(input)?;
    let video = file.video()?;
    let mut frames = Decoder::new(System, &video).open()?.frames(file.packets(&video));
    let first = frames.first().with_context(|| input.display().to_string())?;
    picture::supported(first).with_context(|| input.display().to_string())?;
    frames.close().free();
    Ok(())
}
