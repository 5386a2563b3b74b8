//! The checks of `cargo xtask gpu-test`. That program starts this one once for each check, in a process of its own with a time
//! limit, so that a crash or a hang is one check's. What it prints is `xtask/src/gpu_test/protocol.rs`.

#![forbid(unsafe_code)]

mod backend;
mod checks;
mod picture;
mod run;

use anyhow::{Context, Result};
use avsluice::{Decoder, Demuxer, Device, DeviceMemory, Failed, System};
use backend::{Backend as _, Nvidia, Vaapi};
use checks::Check;
use clap::{Parser, Subcommand, ValueEnum};
use run::{Driver, Outcome, Run};
use serde_json::json;
use std::{path::PathBuf, process::ExitCode};

#[derive(Parser)]
// The program says to itself what it found, behind what it was told.
#[command(args_override_self = true)]
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
        /// Why the simulated driver was taken, if this program said so to itself
        #[arg(long, hide = true)]
        reason: Option<String>,
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
    Vaapi,
}

/// Runs the same for any backend.
macro_rules! with_backend {
    ($backend:expr, $function:ident($($argument:expr),*)) => {
        match $backend {
            Backend::Vaapi => $function::<Vaapi>($($argument),*),
            Backend::Auto | Backend::Nvidia => $function::<Nvidia>($($argument),*),
        }
    };
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::List { backend } => {
            println!("{}", with_backend!(backend, list()));
            ExitCode::SUCCESS
        }
        Command::Probe { backend, driver, input, reason } => {
            match with_backend!(backend.chosen(driver), probe(driver, input, reason)) {
                Ok(found) => {
                    println!("{found}");
                    ExitCode::SUCCESS
                }
                Err(error) => {
                    println!("{}", json!({"error": format!("{error:#}")}));
                    ExitCode::FAILURE
                }
            }
        }
        Command::Run { name, backend, driver, frames, input, work } => {
            let result = with_backend!(backend, check(&name, driver, frames, input, work));
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

impl Backend {
    /// What the machine has, where the user leaves it open; NVIDIA's, where it has nothing.
    fn chosen(self, driver: Choice) -> Self {
        let simulated = matches!(driver, Choice::Simulated);
        match self {
            Backend::Auto if !simulated && !Nvidia::is_present() && Vaapi::is_present() => Backend::Vaapi,
            Backend::Auto => Backend::Nvidia,
            chosen => chosen,
        }
    }
}

fn list<B: backend::Backend>() -> serde_json::Value {
    let entry = |check: &Check<B>| json!({"name": check.name, "title": check.title, "seconds": check.seconds});
    checks::all().iter().map(entry).collect()
}

fn check<B: backend::Backend>(
    name: &str,
    driver: Driver,
    frames: usize,
    input: PathBuf,
    work: PathBuf,
) -> Result<Outcome> {
    if driver == Driver::Simulated {
        B::prepare(None)?;
    }
    let check = checks::all::<B>().into_iter().find(|check| check.name == name);
    let check = check.with_context(|| format!("there is no check `{name}`"))?;
    let run = Run::start(driver, frames, input, work)?;
    let outcome = run::skip_unsupported::<B>((check.run)(&run))?;
    run.refuse_violations(check.allows)?;
    Ok(outcome)
}

/// Looks at the input first: its error is the user's, not the device's.
fn probe<B: backend::Backend>(
    choice: Choice,
    input: Option<PathBuf>,
    reason: Option<String>,
) -> Result<serde_json::Value> {
    if let Some(input) = &input {
        readable(input)?;
    }
    let (driver, why) = match choice {
        Choice::Hardware => (Driver::Hardware, None),
        Choice::Simulated => (Driver::Simulated, Some("as asked for")),
        Choice::Auto if B::is_present() => (Driver::Hardware, None),
        Choice::Auto => (Driver::Simulated, Some(B::ABSENT)),
    };
    if driver == Driver::Simulated {
        B::prepare(why.filter(|_| reason.is_none()))?;
        B::simulate()?;
    }
    let device = B::device(driver)?;
    let name = device.name()?;
    if let Some(input) = &input {
        decodable(&device, input)?;
    }
    device.close()?;
    let reason = reason.or(why.map(str::to_owned));
    Ok(json!({"backend": B::NAME, "driver": driver.name(), "device": name, "reason": reason}))
}

/// Whether the device decodes the file's video: what it cannot is an error of the choice of file, and named once.
fn decodable<M: DeviceMemory>(device: &Device<M>, input: &PathBuf) -> Result<()> {
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
