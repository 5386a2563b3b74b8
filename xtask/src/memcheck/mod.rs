//! `cargo xtask memcheck`: the software-codec tests under Valgrind, the library's tests under AddressSanitizer.
//!
//! Valgrind sees every load and store of FFmpeg's as well as ours. AddressSanitizer sees ours; FFmpeg's own code is not instrumented, so of
//! it only what it allocates and frees, and what it copies with libc's functions. Memory that the library lends to FFmpeg ends at a page
//! that nobody may touch in that build (src/raw/canary.rs). What they may overlook stands in tests/suppressions, with a reason for each entry.

pub mod sanitizer;
mod suppressions;

use crate::setup::packages::Purpose;
use crate::setup::{self, SetupArgs};
use crate::workspace;
use anyhow::{Context, Result, bail};
use clap::Args;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// The options of `cargo xtask memcheck`.
#[derive(Args, Debug)]
pub struct MemcheckArgs {
    /// AddressSanitizer alone, which has LeakSanitizer in it: a machine without Valgrind can do that
    #[arg(long)]
    asan_only: bool,
    #[command(flatten)]
    setup: SetupArgs,
}

/// The package whose tests are run.
const PACKAGE: &str = "avsluice";
/// Its integration tests (files of tests/) that run on software codecs alone, and the programs that once broke the crate; its unit tests are always run.
/// What such a test runs in a process of its own has AddressSanitizer as well, but not Valgrind.
const TESTS: &[&str] = &["software", "software_clocks", "soundness"];
/// The suppression files, beside the tests.
const SUPPRESSIONS: &str = "tests/suppressions";

/// An error that Valgrind finds ends the test program with this code, which no test program ends with by itself.
const VALGRIND: &[&str] = &[
    "--quiet",
    "--error-exitcode=99",
    "--leak-check=full",
    "--show-leak-kinds=definite,indirect",
    "--errors-for-leak-kinds=definite,indirect",
    "--num-callers=40",
];

/// Runs both, or what is asked for.
pub fn run(args: MemcheckArgs) -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("memcheck runs on Linux alone");
    }
    setup::ensure(if args.asan_only { Purpose::Test } else { Purpose::Memcheck }, args.setup)?;
    let valgrind_supp = suppression_file("valgrind.supp")?;
    let lsan_supp = suppression_file("lsan.supp")?;
    if !args.asan_only {
        let started = Instant::now();
        valgrind(valgrind_supp)?;
        println!("Valgrind: nothing found ({:.1} s)\n", started.elapsed().as_secs_f64());
    }
    let started = Instant::now();
    asan(lsan_supp)?;
    println!("AddressSanitizer: nothing found ({:.1} s)", started.elapsed().as_secs_f64());
    Ok(())
}

/// The suppression file, if there is one, and if each of its entries has a reason.
fn suppression_file(name: &str) -> Result<Option<PathBuf>> {
    let path = workspace::root().join(SUPPRESSIONS).join(name);
    if !path.exists() {
        return Ok(None);
    }
    suppressions::check(&path)?;
    Ok(Some(path))
}

/// `test`, the package, and the tests that are run.
fn selection() -> Vec<&'static str> {
    let tests = TESTS.iter().flat_map(|name| ["--test", name]);
    ["test", "--package", PACKAGE, "--all-features", "--lib"].into_iter().chain(tests).collect()
}

fn valgrind(suppressions: Option<PathBuf>) -> Result<()> {
    let mut build = workspace::cargo(&selection());
    let programs = workspace::build(build.arg("--no-run")).context("the tests did not build")?;
    for program in &programs {
        let mut command = Command::new("valgrind");
        command.args(VALGRIND).current_dir(workspace::root());
        if let Some(path) = &suppressions {
            command.arg(format!("--suppressions={}", path.display()));
        }
        // One thread: Valgrind runs one at a time anyway, and its reports stay apart.
        command.arg(&program.path).arg("--test-threads=1");
        println!("+ {}", workspace::line(&command));
        let status = workspace::run_lines(&mut command, |line| println!("{line}"))?;
        match status.code() {
            Some(0) => {}
            Some(99) => bail!("Valgrind found errors in {}", program.name),
            _ => bail!("the tests of {} failed under Valgrind: {status}", program.name),
        }
    }
    if programs.is_empty() { bail!("cargo built no test program") } else { Ok(()) }
}

fn asan(suppressions: Option<PathBuf>) -> Result<()> {
    let mut command = workspace::cargo(&selection());
    command.arg("--no-fail-fast");
    sanitizer::set_up(&mut command)?;
    let mut lsan = "print_suppressions=0".to_owned();
    if let Some(path) = suppressions {
        lsan += &format!(":suppressions={}", path.display());
    }
    command.env("LSAN_OPTIONS", lsan).env("ASAN_OPTIONS", "detect_leaks=1");
    println!("+ {}", workspace::line(&command));
    let status = workspace::run_lines(&mut command, |line| println!("{line}"))?;
    if status.success() { Ok(()) } else { bail!("the tests failed under AddressSanitizer: {status}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_and_its_software_tests_are_selected() {
        let line = selection().join(" ");
        assert_eq!(
            line,
            "test --package avsluice --all-features --lib --test software --test software_clocks --test soundness"
        );
    }

    #[test]
    fn committed_suppression_files_keep_the_rule() {
        for name in ["valgrind.supp", "lsan.supp"] {
            suppression_file(name).unwrap();
        }
    }
}
