//! What is run in one root, and what came of it.

use super::build::{Bindings, Messages, Said};
use super::inside::{Inside, TARGET};
use super::release::Found;
use crate::child::{Ending, Finished, Line};
use crate::gpu_test::CLEANUP_COMPLETED;
use crate::interrupt;
use crate::test::Tally;
use anyhow::{Result, bail};
use std::path::Path;
use std::time::{Duration, Instant};

/// A build or a test run that makes no progress for longer hangs.
const LIMIT: Duration = Duration::from_secs(15 * 60);
/// The same for a program that only says its version.
const SHORT_LIMIT: Duration = Duration::from_secs(60);

/// All that `cargo xtask test` builds, in one command whose messages can be counted.
const BUILD: &[&str] =
    &["cargo", "test", "--workspace", "--all-features", "--all-targets", "--no-run", "--message-format", "json"];
/// The rejected programs are the compiler's matter and not FFmpeg's: they are compiled once, outside of the roots.
const TEST: &[&str] = &["env", "AVSLUICE_TEST_UI=elsewhere", "cargo", "xtask", "test"];
/// AddressSanitizer and LeakSanitizer on what the library does with that FFmpeg. Valgrind is for this machine's.
const MEMCHECK: &[&str] = &["cargo", "xtask", "memcheck", "--asan-only"];
/// What cargo says of a test program that crashed, which has named none of its tests.
const CRASHED: &str = "(signal: ";
/// Each must end with `Cleanup completed`.
const GPU_TESTS: &[&[&str]] = &[
    &["cargo", "xtask", "gpu-test", "--simulated"],
    &["cargo", "xtask", "gpu-test", "--simulated", "--backend", "vaapi"],
];

/// What came of one FFmpeg version.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Which FFmpeg it was, if there was a root with one.
    pub found: Option<Found>,
    /// How many warnings the build gave, if there was one.
    pub warnings: Option<usize>,
    /// The bindings.
    pub bindings: Option<Bindings>,
    /// The tests, if they could be built.
    pub tests: Option<Tally>,
    /// What each run of gpu-test came to: `12 of 12`.
    pub gpu_tests: Vec<String>,
    /// Why this version has not passed; nothing if it has.
    pub problems: Vec<String>,
    /// How long it all took, a root's making aside.
    pub elapsed: Duration,
}

/// What is run in a root.
#[derive(Debug, Clone, Copy)]
pub enum What {
    /// All tests, and gpu-test.
    Suite,
    /// The tests of `cargo xtask memcheck`, under AddressSanitizer.
    Memcheck,
}

/// Builds and runs that with the FFmpeg of the root. What fails is told in the outcome; an error is an interruption, or
/// a root that nothing can be run in.
pub fn run(inside: &Inside<'_>, found: Found, what: What) -> Result<Outcome> {
    let started = Instant::now();
    let mut outcome = Outcome { found: Some(found), ..Outcome::default() };
    check_toolchain(inside)?;
    if matches!(what, What::Memcheck) {
        test(inside, MEMCHECK, &mut outcome)?;
    } else if build(inside, &mut outcome)? {
        test(inside, TEST, &mut outcome)?;
        for words in GPU_TESTS {
            gpu_test(inside, words, &mut outcome)?;
        }
    }
    outcome.elapsed = started.elapsed();
    Ok(outcome)
}

/// The compiler of this machine must find its libraries in the root too.
fn check_toolchain(inside: &Inside<'_>) -> Result<()> {
    let finished = inside.run(&["rustc", "--version"], SHORT_LIMIT, |_| false)?;
    if finished.ending == Ending::Exited(0) {
        return Ok(());
    }
    let (sysroot, root) = (inside.toolchain.sysroot.display(), inside.root.display());
    bail!(
        "the Rust toolchain of {sysroot} does not run in {root} ({}):\n  {}",
        finished.ending,
        finished.log.join("\n  ")
    )
}

fn build(inside: &Inside<'_>, outcome: &mut Outcome) -> Result<bool> {
    let mut messages = Messages::default();
    let finished = step(inside, BUILD, |line| match line {
        Line::Out(line) => match messages.read(line) {
            Said::Diagnostic(text) => eprintln!("{}", text.trim_end()),
            Said::Nothing => {}
        },
        Line::Err(line) => {
            eprintln!("{line}");
            messages.read_error(line);
        }
    })?;
    outcome.warnings = Some(messages.warnings());
    outcome.bindings = messages.bindings(Path::new(TARGET), inside.target);
    match messages.warnings() {
        0 => {}
        1 => outcome.problems.push("1 compiler warning".into()),
        count => outcome.problems.push(format!("{count} compiler warnings")),
    }
    let built = finished.ending == Ending::Exited(0);
    if !built {
        outcome.problems.push(format!("it does not build ({})", finished.ending));
    } else if outcome.bindings.is_none() {
        outcome.problems.push("the build left no bindings with their time".into());
    }
    Ok(built)
}

fn test(inside: &Inside<'_>, words: &[&str], outcome: &mut Outcome) -> Result<()> {
    let mut tally = Tally::default();
    let mut crashes = Vec::new();
    let finished = step(inside, words, |line| {
        let text = print(line);
        tally.read(text);
        if matches!(line, Line::Err(_)) && text.contains(CRASHED) {
            crashes.push(text.trim().to_owned());
        }
    })?;
    if finished.ending != Ending::Exited(0) && tally.names.is_empty() && crashes.is_empty() {
        outcome.problems.push(format!("`{}`: {}", words.join(" "), finished.ending));
    }
    outcome.problems.extend(tally.names.iter().map(|name| format!("test failed: {name}")));
    outcome.problems.append(&mut crashes);
    if tally.passed == 0 {
        outcome.problems.push("no test passed".into());
    }
    outcome.tests = Some(tally);
    Ok(())
}

fn gpu_test(inside: &Inside<'_>, words: &[&str], outcome: &mut Outcome) -> Result<()> {
    let (mut counts, mut last) = (String::new(), String::new());
    let finished = step(inside, words, |line| {
        let text = print(line);
        if matches!(line, Line::Out(text) if !text.is_empty()) {
            text.clone_into(&mut last);
            counts = of_checks(text).unwrap_or(std::mem::take(&mut counts));
        }
    })?;
    if finished.ending != Ending::Exited(0) || last != CLEANUP_COMPLETED {
        let problem = format!("`{}` did not end with `{CLEANUP_COMPLETED}` ({})", words.join(" "), finished.ending);
        outcome.problems.push(problem);
    }
    outcome.gpu_tests.push(if counts.is_empty() { "none".into() } else { counts });
    Ok(())
}

/// `12 of 12` out of `12 checks: 12 passed, 0 failed, 0 skipped`.
fn of_checks(line: &str) -> Option<String> {
    let (checks, counts) = line.split_once(" checks: ")?;
    let (passed, _) = counts.split_once(" passed, ")?;
    Some(format!("{passed} of {checks}"))
}

fn step(inside: &Inside<'_>, words: &[&str], mut on_line: impl FnMut(Line<'_>)) -> Result<Finished> {
    println!("+ {}", words.join(" "));
    let finished = inside.run(words, LIMIT, |line| {
        on_line(line);
        true
    })?;
    if interrupt::came() {
        bail!("interrupted");
    }
    Ok(finished)
}

/// Passes a line on to where it was meant to go.
fn print(line: Line<'_>) -> &str {
    match line {
        Line::Out(line) => {
            println!("{line}");
            line
        }
        Line::Err(line) => {
            eprintln!("{line}");
            line
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_of_gpu_test_are_read() {
        assert_eq!(of_checks("12 checks: 11 passed, 1 failed, 0 skipped").as_deref(), Some("11 of 12"));
        assert_eq!(of_checks("ok      the ledger checks nothing"), None);
    }

    #[test]
    fn all_targets_are_built_as_the_tests_will_ask_for_them() {
        let line = BUILD.join(" ");
        for word in ["--workspace", "--all-features", "--all-targets", "--no-run"] {
            assert!(line.contains(word), "{word}");
        }
    }
}
