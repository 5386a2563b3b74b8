//! Random programs against avsluice, all of them without `unsafe`: what goes wrong in one is the library's fault, or FFmpeg's.
//!
//! `attack run --seed S --from A --to B` runs the programs A to B-1 of a seed in one process and says on its standard output what it
//! begins, does and finds. `cargo xtask attack` builds it with AddressSanitizer, starts it, and judges. One file of `families/` has the
//! programs of one part of the library.

#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
mod families;
#[cfg(target_os = "linux")]
mod logger;
#[cfg(target_os = "linux")]
mod rng;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod streams;
#[cfg(target_os = "linux")]
mod words;
#[cfg(target_os = "linux")]
mod world;

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    return run::main();
    #[cfg(not(target_os = "linux"))]
    {
        eprintln!("attack runs on Linux alone");
        ExitCode::FAILURE
    }
}
