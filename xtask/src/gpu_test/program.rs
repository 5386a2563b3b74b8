//! The check program: building it, and asking it one question a process.

use super::input::Input;
use super::protocol::{Check, Driver, Line, Probe, Progress, Status, Verdict};
use crate::child::{self, Ending};
use crate::workspace;
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// The package of the checks and the name of its program.
const PACKAGE: &str = "gpu-test";
/// How it is built: with the profile that the tests use, whose artifacts a checkout usually has.
const PROFILE: &str = "dev";
/// How long `list`, which needs no device, may take.
const LIST_LIMIT: Duration = Duration::from_secs(30);
/// How long opening the device once may take: a driver that starts a sleeping GPU needs seconds.
const PROBE_LIMIT: Duration = Duration::from_secs(120);

/// The check program.
pub struct CheckProgram {
    path: PathBuf,
}

/// How one check went.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    /// What it found, or what became of it.
    pub verdict: Verdict,
    /// How long it ran.
    pub elapsed: Duration,
    /// The end of its log, which explains a failure.
    pub log: Vec<String>,
}

impl CheckProgram {
    /// Builds it.
    pub fn build() -> Result<Self> {
        let mut command = workspace::cargo(&["build", "--package", PACKAGE, "--bin", PACKAGE, "--profile", PROFILE]);
        let programs = workspace::build(&mut command).context("the checks did not build")?;
        let program = programs.into_iter().find(|program| program.name == PACKAGE && program.kind == "bin");
        Ok(Self { path: program.context("cargo built no gpu-test program")?.path })
    }

    /// Takes a program that is there.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The checks of a backend, in the order in which they are run.
    pub fn list(&self, backend: &str) -> Result<Vec<Check>> {
        let checks = self.ask(&["list", "--backend", backend], LIST_LIMIT, |line| match line {
            Line::Checks(checks) => Some(checks),
            _ => None,
        })?;
        if checks.is_empty() {
            bail!("there are no checks for {backend}");
        }
        Ok(checks)
    }

    /// What the checks will run on. A file that they cannot run on is told here, once.
    pub fn probe(&self, backend: &str, driver: Option<Driver>, input: &Path) -> Result<Probe> {
        let driver_name = driver.map_or("auto", Driver::name);
        let arguments = ["probe", "--backend", backend, "--driver", driver_name, "--input"].map(OsStr::new);
        let arguments = [&arguments[..], &[input.as_os_str()]].concat();
        let probe = self.ask(&arguments, PROBE_LIMIT, |line| match line {
            Line::Probe(probe) => Some(probe),
            _ => None,
        })?;
        if driver.is_some_and(|driver| driver != probe.driver) {
            bail!("--{driver_name} was asked for, the {} driver answered", probe.driver.name());
        }
        Ok(probe)
    }

    /// Runs one check. A crash, a hang and an answer that makes no sense are failures of the check, not errors.
    pub fn run(
        &self,
        check: &Check,
        probe: &Probe,
        input: &Input,
        limit: Duration,
        mut progress: impl FnMut(Progress),
    ) -> Result<Outcome> {
        let folder = TempDir::with_prefix("gpu-test-").context("no folder for the check's files")?;
        let mut command = Command::new(&self.path);
        command.args(["run", &check.name, "--backend", &probe.backend, "--driver", probe.driver.name()]);
        command.args(["--frames", &input.frames.to_string(), "--input"]).arg(&input.path);
        command.arg("--work").arg(folder.path());
        let mut said = None;
        let finished = child::run(&mut command, limit, |line| match Line::parse(line) {
            Some(Line::Progress { progress: at }) => {
                progress(at);
                true
            }
            Some(Line::Verdict(verdict)) => {
                said = Some(verdict);
                true
            }
            _ => false,
        })?;
        let verdict = judge(finished.ending, said);
        Ok(Outcome { verdict, elapsed: finished.elapsed, log: finished.log })
    }

    /// Asks a question that has one answer.
    fn ask<T>(
        &self,
        arguments: &[impl AsRef<OsStr>],
        limit: Duration,
        answer: impl Fn(Line) -> Option<T>,
    ) -> Result<T> {
        let mut command = Command::new(&self.path);
        let (mut found, mut error) = (None, None);
        let finished = child::run(command.args(arguments), limit, |line| match Line::parse(line) {
            Some(Line::Error { error: reason }) => {
                error = Some(reason);
                true
            }
            Some(line) => answer(line).map(|answer| found = Some(answer)).is_some(),
            None => false,
        })
        .with_context(|| format!("{} did not start", self.path.display()))?;
        match (finished.ending, found, error) {
            (Ending::Exited(0), Some(answer), _) => Ok(answer),
            (_, _, Some(reason)) => bail!("{reason}"),
            (ending, ..) => {
                let log = finished.log.last().map(|line| format!("; it said: {line}")).unwrap_or_default();
                bail!("`gpu-test {}` gave no answer: {ending}{log}", arguments[0].as_ref().to_string_lossy())
            }
        }
    }
}

/// The verdict on a check: its own word for it, unless its end says otherwise.
fn judge(ending: Ending, said: Option<Verdict>) -> Verdict {
    let failed = |reason: String| Verdict { status: Status::Failed, figure: None, reason: Some(reason) };
    let after = said.as_ref().map_or_else(String::new, |verdict| match verdict.status {
        Status::Failed => format!(", after it had failed: {}", verdict.reason.as_deref().unwrap_or("no reason given")),
        Status::Passed | Status::Skipped => ", after its work was done".to_owned(),
    });
    match (ending, said) {
        (Ending::Signalled(_), _) => failed(format!("crashed: {ending}{after}")),
        (Ending::TimedOut(limit), _) => {
            failed(format!("hung: no progress for {} s, killed{after}", limit.as_secs_f64()))
        }
        (Ending::Exited(0), Some(verdict)) => verdict,
        (Ending::Exited(_), Some(verdict)) if verdict.status == Status::Failed => verdict,
        (Ending::Exited(code), Some(_)) => failed(format!("exit code {code}{after}")),
        (Ending::Exited(code), None) => failed(format!("ended without a verdict, exit code {code}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: Status) -> Option<Verdict> {
        Some(Verdict { status, figure: Some("3 frames".into()), reason: Some("why".into()) })
    }

    fn failure(ending: Ending, said: Option<Verdict>) -> String {
        let verdict = judge(ending, said);
        assert_eq!(verdict.status, Status::Failed);
        verdict.reason.unwrap()
    }

    #[test]
    fn a_check_s_word_counts_when_it_ends_well() {
        for status in [Status::Passed, Status::Skipped, Status::Failed] {
            assert_eq!(Some(judge(Ending::Exited(0), verdict(status))), verdict(status));
        }
        assert_eq!(failure(Ending::Exited(1), verdict(Status::Failed)), "why");
    }

    #[test]
    fn a_bad_end_undoes_a_good_word() {
        assert_eq!(failure(Ending::Exited(1), verdict(Status::Passed)), "exit code 1, after its work was done");
        let hung = Ending::TimedOut(Duration::from_secs(30));
        assert_eq!(
            failure(hung, verdict(Status::Passed)),
            "hung: no progress for 30 s, killed, after its work was done"
        );
        assert_eq!(failure(hung, None), "hung: no progress for 30 s, killed");
        assert_eq!(failure(Ending::Exited(101), None), "ended without a verdict, exit code 101");
    }

    #[cfg(unix)]
    #[test]
    fn a_crash_is_named_by_its_signal() {
        assert_eq!(failure(Ending::Signalled(11), None), "crashed: SIGSEGV");
        assert_eq!(
            failure(Ending::Signalled(6), verdict(Status::Failed)),
            "crashed: SIGABRT, after it had failed: why"
        );
        assert_eq!(failure(Ending::Signalled(6), verdict(Status::Passed)), "crashed: SIGABRT, after its work was done");
    }
}
