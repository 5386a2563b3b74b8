//! `cargo xtask test`: every test of the workspace, in as few cargo commands as cover them all, and a summary.

use crate::setup::packages::Purpose;
use crate::setup::{self, SetupArgs};
use crate::workspace;
use anyhow::{Result, bail};
use clap::Args;
use std::time::{Duration, Instant};

/// The options of `cargo xtask test`.
#[derive(Args, Debug)]
pub struct TestArgs {
    #[command(flatten)]
    setup: SetupArgs,
}

/// What is run, in this order: a name for the summary, and cargo's arguments.
const STEPS: &[(&str, &[&str])] = &[
    (
        "unit, integration and compile-fail tests",
        &["test", "--workspace", "--all-features", "--lib", "--bins", "--tests", "--examples", "--no-fail-fast"],
    ),
    ("documentation tests", &["test", "--workspace", "--all-features", "--doc", "--no-fail-fast"]),
    ("benches compile", &["test", "--workspace", "--all-features", "--benches", "--no-run"]),
];

/// Runs every test. All steps run even when one fails.
pub fn run(args: TestArgs) -> Result<()> {
    setup::ensure(Purpose::Test, args.setup)?;
    let mut rows = Vec::new();
    let mut failures = Vec::new();
    for (name, arguments) in STEPS {
        let mut command = workspace::cargo(arguments);
        // The tests of the examples have them built: of the packages and features that are there already.
        command.env("AVSLUICE_TEST_CARGO", "--workspace --all-features");
        println!("+ {}", workspace::line(&command));
        let started = Instant::now();
        let mut tally = Tally::default();
        let status = workspace::run_lines(&mut command, |line| {
            println!("{line}");
            tally.read(line);
        })?;
        rows.push(row(name, status.success(), &tally, started.elapsed()));
        failures.append(&mut tally.names);
        if crate::interrupt::came() {
            bail!("interrupted");
        }
    }
    println!("\nSummary");
    rows.iter().for_each(|(_, row)| println!("{row}"));
    failures.iter().for_each(|name| println!("  FAILED {name}"));
    match rows.iter().filter(|(passed, _)| !passed).count() {
        0 => Ok(()),
        _ => bail!("not every test passed"),
    }
}

fn row(name: &str, passed: bool, tally: &Tally, took: Duration) -> (bool, String) {
    let result = if passed { "ok" } else { "FAILED" };
    let Tally { passed: good, failed, ignored, .. } = tally;
    let counts = match (good, failed, ignored) {
        (0, 0, 0) => String::new(),
        _ => format!("{good} passed, {failed} failed, {ignored} ignored"),
    };
    (passed, format!("  {result:6} {name:42} {counts:40} {:6.1} s", took.as_secs_f64()))
}

/// What libtest said, over all test programs of a step.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many passed; one that had nothing to do is among them.
    pub passed: u64,
    /// How many failed.
    pub failed: u64,
    /// How many libtest was told to ignore.
    pub ignored: u64,
    /// Which failed.
    pub names: Vec<String>,
    /// Which were ignored or skipped, and why: `NAME: REASON`.
    pub skipped: Vec<String>,
}

/// How a line begins that a test prints which has nothing to do with this FFmpeg: `skipped: NAME: REASON`. It goes to stderr past
/// libtest, which would keep it to itself.
const SKIPPED: &str = "skipped: ";

impl Tally {
    /// Reads one line of libtest's output: `test result: ok. 3 passed; 0 failed; ...`, `test NAME ... FAILED` or
    /// `test NAME ... ignored, REASON`; or a test's own `skipped: NAME: REASON`.
    pub fn read(&mut self, line: &str) {
        if let Some(result) = line.strip_prefix("test result: ") {
            // Nothing is filtered here. A test that runs itself once more, alone in a process, repeats this when it fails.
            if !result.contains("; 0 filtered out") {
                return;
            }
            for part in result.split(['.', ';']).map(str::trim) {
                let (number, of) = part.split_once(' ').unwrap_or_default();
                let Ok(number) = number.parse::<u64>() else { continue };
                match of {
                    "passed" => self.passed += number,
                    "failed" => self.failed += number,
                    "ignored" => self.ignored += number,
                    _ => {}
                }
            }
        } else if let Some(name) = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED")) {
            if !self.names.iter().any(|known| known == name) {
                self.names.push(name.to_owned());
            }
        } else if let Some((name, reason)) = line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... ignored"))
        {
            let reason = reason.strip_prefix(", ").unwrap_or("ignored, with no reason given");
            self.skipped.push(format!("{name}: {reason}"));
        } else if let Some(skipped) = line.strip_prefix(SKIPPED) {
            self.skipped.push(skipped.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_add_up_over_test_programs() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests",
            "test a::b ... ok",
            "test a::c ... FAILED",
            "test a::d ... ignored, needs a GPU",
            "test a::e ... ignored",
            "skipped: a::f: this FFmpeg has no libx264",
            "test result: FAILED. 2 passed; 1 failed; 4 ignored; 0 measured; 0 filtered out; finished in 1.50s",
            "test result: ok. 40 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        ] {
            tally.read(line);
        }
        let skipped = ["a::d: needs a GPU", "a::e: ignored, with no reason given", "a::f: this FFmpeg has no libx264"];
        let expected = Tally {
            passed: 42,
            failed: 1,
            ignored: 4,
            names: vec!["a::c".into()],
            skipped: skipped.map(str::to_owned).to_vec(),
        };
        assert_eq!(tally, expected);
    }

    #[test]
    fn a_test_that_ran_itself_in_a_process_counts_once() {
        let mut tally = Tally::default();
        for line in [
            "test a ... FAILED",
            "---- a stdout ----",
            "running 1 test",
            "test a ... FAILED",
            "test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 16 filtered out; finished in 0.03s",
            "test result: FAILED. 16 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.38s",
        ] {
            tally.read(line);
        }
        assert_eq!(tally, Tally { passed: 16, failed: 1, names: vec!["a".into()], ..Tally::default() });
    }

    #[test]
    fn a_step_without_tests_shows_no_counts() {
        let (passed, row) = row("benches compile", true, &Tally::default(), Duration::from_secs(2));
        assert!(passed && row.contains("ok     benches compile") && !row.contains("passed"), "{row}");
    }

    #[test]
    fn benches_are_compiled_and_never_run() {
        let with_benches: Vec<_> = STEPS.iter().filter(|(_, words)| words.contains(&"--benches")).collect();
        assert_eq!(with_benches.len(), 1);
        assert!(with_benches[0].1.contains(&"--no-run"));
        assert!(STEPS.iter().all(|(_, words)| words.contains(&"--workspace") && words.contains(&"--all-features")));
    }
}
