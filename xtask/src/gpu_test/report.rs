//! What gpu-test prints: a line a check for people, or one JSON document.

use super::input::Input;
use super::program::Outcome;
use super::protocol::{Check, Driver, Probe, Progress, Status};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// What every figure of the simulated driver is marked with.
const SIMULATED: &str = "SIMULATED";
/// The checks whose figure ends the report: what the driver's ledger, or the device's reference counts, say is left.
const LAST_WORD: [&str; 2] = ["ledger", "references"];
/// The line that ends a run in which nothing failed.
pub const CLEANUP_COMPLETED: &str = "Cleanup completed";
/// What a terminal shows of a check that has not said how far it is.
const SPINNER: &str = "{spinner} {msg}  {elapsed}";
/// What it shows of one that has.
const BAR: &str = "{spinner} {msg}  [{bar:30}] {pos}/{len}  {elapsed}";
const TICK: Duration = Duration::from_millis(100);

/// The report of one run, printed as it comes.
pub struct Report<'a> {
    json: bool,
    probe: &'a Probe,
    input: &'a Input,
    width: usize,
    bar: ProgressBar,
    rows: Vec<Value>,
    counts: Counts,
    last_word: Option<String>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl<'a> Report<'a> {
    /// Starts the report: what the checks run on, and with what.
    pub fn new(json: bool, probe: &'a Probe, input: &'a Input, checks: &[Check]) -> Self {
        let on_terminal = !json && io::stdout().is_terminal() && io::stderr().is_terminal();
        let bar = if on_terminal { ProgressBar::no_length() } else { ProgressBar::hidden() };
        bar.set_style(style(SPINNER));
        bar.set_message("starting");
        if on_terminal {
            bar.enable_steady_tick(TICK);
        }
        let width = checks.iter().map(|check| check.title.chars().count()).max().unwrap_or(0);
        let report =
            Self { json, probe, input, width, bar, rows: Vec::new(), counts: Counts::default(), last_word: None };
        report.say(&format!("device  {}", marked(&probe.device, probe.driver)));
        if let Some(reason) = &probe.reason {
            report.say(&format!("driver  {}: {reason}", probe.driver.name()));
        }
        report.say(&format!("input   {}\n", input.description));
        report
    }

    /// A check begins.
    pub fn begin(&self, check: &Check) {
        self.bar.set_style(style(SPINNER));
        self.bar.reset();
        self.bar.set_message(check.title.clone());
    }

    /// It has come so far.
    pub fn progress(&self, progress: Progress) {
        self.bar.set_style(style(BAR));
        self.bar.set_length(progress.total);
        self.bar.set_position(progress.done);
    }

    /// It has ended.
    pub fn end(&mut self, check: &Check, outcome: &Outcome) {
        let verdict = &outcome.verdict;
        let figure = verdict.figure.as_deref().map(|figure| marked(figure, self.probe.driver));
        let reason = verdict.reason.as_deref().unwrap_or("no reason given");
        let (word, text) = match verdict.status {
            Status::Passed => {
                self.counts.passed += 1;
                ("ok", figure.clone().unwrap_or_default())
            }
            Status::Skipped => {
                self.counts.skipped += 1;
                ("skip", format!("skipped: {reason}"))
            }
            Status::Failed => {
                self.counts.failed += 1;
                ("FAILED", reason.to_owned())
            }
        };
        self.say(format!("{word:6}  {:width$}  {text}", check.title, width = self.width).trim_end());
        if verdict.status == Status::Failed {
            outcome.log.iter().for_each(|line| self.say(&format!("        | {line}")));
        }
        if LAST_WORD.contains(&check.name.as_str()) {
            self.last_word.clone_from(&figure);
        }
        self.rows.push(json!({
            "name": check.name,
            "title": check.title,
            "status": verdict.status,
            "figure": figure,
            "reason": verdict.reason,
            "seconds": outcome.elapsed.as_secs_f64(),
            "log": if verdict.status == Status::Failed { &outcome.log[..] } else { &[] },
        }));
    }

    /// Ends the report; says whether nothing failed.
    pub fn finish(self) -> bool {
        self.bar.finish_and_clear();
        let Counts { passed, failed, skipped } = self.counts;
        let good = failed == 0;
        self.say(&format!("\n{} checks: {passed} passed, {failed} failed, {skipped} skipped", self.rows.len()));
        if let Some(last_word) = &self.last_word {
            self.say(last_word);
        }
        if good {
            self.say(CLEANUP_COMPLETED);
        }
        if self.json {
            let document = json!({
                "ok": good,
                "backend": self.probe.backend,
                "driver": self.probe.driver,
                "device": marked(&self.probe.device, self.probe.driver),
                "driver_reason": self.probe.reason,
                "input": self.input.path,
                "frames": self.input.frames,
                "checks": self.rows,
                "passed": passed,
                "failed": failed,
                "skipped": skipped,
                "last_word": self.last_word,
                "cleanup": if good { Some(CLEANUP_COMPLETED) } else { None },
            });
            print_document(&document);
        }
        good
    }

    /// Prints a line for people, above the progress bar.
    fn say(&self, line: &str) {
        if !self.json {
            // A reader who has gone away (`| head`) is no reason to stop before the checks are through.
            self.bar.suspend(|| drop(writeln!(io::stdout(), "{line}")));
        }
    }
}

/// The document of a run that came to no report.
pub fn print_error(error: &str) {
    print_document(&json!({ "ok": false, "error": error }));
}

fn print_document(document: &Value) {
    let _ = writeln!(io::stdout(), "{document:#}");
}

/// The text, marked as SIMULATED when it is and does not say so itself.
fn marked(text: &str, driver: Driver) -> String {
    match driver {
        Driver::Simulated if !text.contains(SIMULATED) => format!("{text} ({SIMULATED})"),
        _ => text.to_owned(),
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_simulated_says_so_once() {
        assert_eq!(marked("100 frames", Driver::Simulated), "100 frames (SIMULATED)");
        assert_eq!(marked("SIMULATED NVIDIA GPU", Driver::Simulated), "SIMULATED NVIDIA GPU");
        assert_eq!(marked("100 frames", Driver::Hardware), "100 frames");
    }

    #[test]
    fn the_progress_bar_s_templates_are_sound() {
        for template in [SPINNER, BAR] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn a_progress_line_moves_the_bar_and_the_next_check_starts_anew() {
        let probe = Probe { backend: "nvidia".into(), driver: Driver::Simulated, device: "GPU".into(), reason: None };
        let input = Input { path: "in.h264".into(), frames: 1, description: String::new() };
        let check = Check { name: "drain".into(), title: "drain".into(), seconds: 1.0 };
        let report = Report::new(true, &probe, &input, std::slice::from_ref(&check));
        report.begin(&check);
        report.progress(Progress { done: 40, total: 100 });
        assert_eq!((report.bar.position(), report.bar.length()), (40, Some(100)));
        assert_eq!(report.bar.message(), "drain");
        report.begin(&check);
        assert_eq!(report.bar.position(), 0);
    }
}
