//! avsluice's own commands, run as `cargo xtask COMMAND`.
//!
//! One file or folder a command: `test`, `gpu_test`, `memcheck`, `attack`, `matrix`, `bench`, `bundle`. What they share: `setup` (the system packages),
//! `workspace` (cargo), `child` (a process that is killed when it hangs, which `progress` tells), `interrupt` (Ctrl-C). Nothing here needs FFmpeg, so
//! that it can install FFmpeg.

#![forbid(unsafe_code)]

mod architecture;
mod attack;
mod bench;
#[cfg(unix)]
mod bundle;
mod child;
mod gpu_test;
mod interrupt;
mod matrix;
mod memcheck;
mod progress;
mod setup;
mod test;
mod workspace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// avsluice's own commands
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run every test: unit, integration, compile-fail, doctests, and those on the simulated driver
    Test(test::TestArgs),
    /// Check the GPU of this machine, or the simulated driver, from device to muxed file
    GpuTest(gpu_test::GpuTestArgs),
    /// Run the software-codec tests under Valgrind and the library's tests under AddressSanitizer
    Memcheck(memcheck::MemcheckArgs),
    /// Run random safe programs against the library under AddressSanitizer, and say which go wrong
    Attack(attack::AttackArgs),
    /// Hold the floors of the library, and draw docs/architecture.svg from its imports
    Architecture(architecture::ArchitectureArgs),
    /// Count what avsluice costs against the same loop in C and with other crates, and write docs/performance.md
    Bench(bench::BenchArgs),
    /// Pack gpu-test and the decoding bench with all that they need, for a GPU machine that has neither Rust nor FFmpeg
    #[cfg(unix)]
    Bundle(bundle::BundleArgs),
    /// Run every test and gpu-test against each FFmpeg version that is supported, in root file systems of their own
    Matrix(matrix::MatrixArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    interrupt::watch();
    let outcome = match cli.command {
        Command::Test(args) => test::run(args),
        Command::GpuTest(args) => gpu_test::run(&args),
        Command::Memcheck(args) => memcheck::run(args),
        Command::Attack(args) => attack::run(args),
        Command::Architecture(args) => architecture::run(&args),
        Command::Bench(args) => bench::run(&args),
        #[cfg(unix)]
        Command::Bundle(args) => bundle::run(&args),
        Command::Matrix(args) => matrix::run(&args),
    };
    if interrupt::came() {
        eprintln!("interrupted");
        return ExitCode::from(130);
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
