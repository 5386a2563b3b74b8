//! `cargo xtask gpu-test`: the checks of package `gpu-test`, each in a process of its own, which is killed when it hangs.
//!
//! `input` (what they run on), `program` (building and asking the check program), `protocol` (its language), `report` (what is printed).

mod input;
mod program;
mod protocol;
mod report;

use crate::interrupt;
use crate::setup::packages::Purpose;
use crate::setup::{self, SetupArgs};
use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use input::Input;
use program::CheckProgram;
use protocol::Driver;
pub use report::CLEANUP_COMPLETED;
use report::Report;
use std::path::PathBuf;
use std::time::Duration;

/// The most frames that can be asked for: eleven hours of 25 a second.
const MOST_FRAMES: i64 = 1_000_000;
/// The longest time limit, a day.
const LONGEST_LIMIT: u64 = 24 * 60 * 60;

/// The options of `cargo xtask gpu-test`.
#[derive(Args, Debug)]
pub struct GpuTestArgs {
    /// How many frames of the input the checks use, from the first
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=MOST_FRAMES))]
    frames: u32,
    /// The file to run on, with an 8-bit 4:2:0 H.264 stream in it (MP4, MKV or raw); without it a standard test stream
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Whose driver is checked
    #[arg(long, value_enum, default_value_t = Backend::Auto)]
    backend: Backend,
    /// Run on the simulated driver even where there is a GPU
    #[arg(long, conflicts_with = "hardware")]
    simulated: bool,
    /// Run on the GPU, and fail where there is none
    #[arg(long)]
    hardware: bool,
    /// Print one JSON document on stdout, and nothing else there
    #[arg(long)]
    json: bool,
    /// How long each check may make no progress, instead of its own limit
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=LONGEST_LIMIT))]
    timeout: Option<u64>,
    #[command(flatten)]
    setup: SetupArgs,
    /// A check program to run instead of building package gpu-test
    #[arg(long, value_name = "PROGRAM", hide = true)]
    checks_program: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Backend {
    /// What the machine has
    Auto,
    /// NVIDIA: NVDEC and NVENC with CUDA memory
    Nvidia,
    /// VA-API: Intel's and AMD's encoders and decoders, with surfaces
    Vaapi,
}

impl Backend {
    fn name(self) -> &'static str {
        match self {
            Backend::Auto => "auto",
            Backend::Nvidia => "nvidia",
            Backend::Vaapi => "vaapi",
        }
    }
}

/// Runs the checks. With `--json` even an error before the first check is a document on stdout.
pub fn run(args: &GpuTestArgs) -> Result<()> {
    match run_checks(args) {
        Ok(true) => Ok(()),
        Ok(false) => bail!("not every check passed"),
        Err(error) => {
            if args.json {
                report::print_error(&format!("{error:#}"));
            }
            Err(error)
        }
    }
}

fn run_checks(args: &GpuTestArgs) -> Result<bool> {
    let input = Input::resolve(args.input.as_deref(), args.frames)?;
    let program = match &args.checks_program {
        Some(path) => CheckProgram::at(path),
        None => {
            setup::ensure(Purpose::GpuTest, args.setup)?;
            CheckProgram::build()?
        }
    };
    let driver = match (args.simulated, args.hardware) {
        (true, _) => Some(Driver::Simulated),
        (_, true) => Some(Driver::Hardware),
        _ => None,
    };
    let probe = program.probe(args.backend.name(), driver, &input.path)?;
    let checks = program.list(&probe.backend)?;
    let mut report = Report::new(args.json, &probe, &input, &checks);
    for check in &checks {
        report.begin(check);
        let limit = match args.timeout {
            Some(seconds) => Duration::from_secs(seconds),
            None => Duration::try_from_secs_f64(check.seconds)?,
        };
        let outcome = program.run(check, &probe, &input, limit, |progress| report.progress(progress))?;
        if interrupt::came() {
            bail!("interrupted");
        }
        report.end(check, &outcome);
    }
    Ok(report.finish())
}
