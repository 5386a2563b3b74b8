//! What xtask and the check program (package `gpu-test`) say to each other.
//!
//! The program is run once for each question. It answers on stdout in lines of JSON; its stderr, and any other line on its
//! stdout, is its log, the end of which is shown when a check fails. It is killed when it makes no progress within its time limit.
//!
//! `gpu-test list --backend nvidia` prints one [`Check`] array. It needs no device. Checks are run in that order; the figure of
//! the one named `ledger` or `references` is repeated as the last thing before the verdict.
//! ```json
//! [{"name":"device","title":"device","seconds":30}]
//! ```
//!
//! `gpu-test probe --backend auto --driver auto|hardware|simulated --input FILE` prints one [`Probe`]. A file that cannot be read, or
//! that the device cannot decode, is `{"error":"why"}` and exit code 1. A driver that was asked for by name and
//! is not there is `{"error":"why"}` and exit code 1; `auto` takes the hardware, else the simulated driver and says why.
//! ```json
//! {"backend":"nvidia","driver":"simulated","device":"SIMULATED NVIDIA GPU","reason":"libcuda.so.1 is not installed"}
//! ```
//!
//! `gpu-test run NAME --backend nvidia --driver simulated --frames 100 --input FILE --work DIR` runs one check, writing files
//! to DIR alone (an empty folder that is removed afterwards). It prints any number of progress lines and at last one [`Verdict`];
//! its exit code is 0 for passed and skipped, 1 for failed. A crash after the verdict is a failure too: most tears happen in
//! the tear-down.
//! ```json
//! {"progress":{"done":40,"total":100}}
//! {"status":"passed","figure":"100 frames in, 100 packets out, 0 bytes host->device, 0 bytes device->host"}
//! {"status":"failed","reason":"frame 3 differs from the source"}
//! {"status":"skipped","reason":"this GPU has no NVENC engine"}
//! ```

use serde::{Deserialize, Serialize};

/// One check, as `list` describes it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Check {
    /// What `run` takes, and what `--json` calls it.
    pub name: String,
    /// What a user reads.
    pub title: String,
    /// How many seconds it may make no progress.
    pub seconds: f64,
}

/// The driver that the checks run on.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Driver {
    /// The vendor's, on a GPU.
    Hardware,
    /// simgpu's, on the CPU.
    Simulated,
}

impl Driver {
    /// Its name on the program's command line.
    pub fn name(self) -> &'static str {
        match self {
            Driver::Hardware => "hardware",
            Driver::Simulated => "simulated",
        }
    }
}

/// What `probe` found.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// The backend that `auto` stands for.
    pub backend: String,
    /// The driver that the checks will use.
    pub driver: Driver,
    /// The device's name.
    pub device: String,
    /// Why the driver is the simulated one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Any line that the program may print.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub enum Line {
    /// The answer to `list`.
    Checks(Vec<Check>),
    /// The answer to `probe`.
    Probe(Probe),
    /// How far a check is.
    Progress {
        /// How far.
        progress: Progress,
    },
    /// What a check found.
    Verdict(Verdict),
    /// Why there is no answer.
    Error {
        /// Why.
        error: String,
    },
}

impl Line {
    /// The line, if it is one of the protocol's.
    pub fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        // Most of a log is no JSON.
        if line.starts_with(['{', '[']) { serde_json::from_str(line).ok() } else { None }
    }
}

/// How far a check is.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub struct Progress {
    /// Steps done.
    pub done: u64,
    /// Steps in all.
    pub total: u64,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it must be.
    Passed,
    /// Not as it must be.
    Failed,
    /// The hardware cannot do it.
    Skipped,
}

/// What a check found.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Verdict {
    /// How it ended.
    pub status: Status,
    /// What was measured.
    #[serde(default)]
    pub figure: Option<String>,
    /// Why it failed or was skipped.
    #[serde(default)]
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_is_told_from_the_others() {
        let list = Line::parse(r#"[{"name":"drain","title":"drain","seconds":30}]"#);
        assert_eq!(
            list,
            Some(Line::Checks(vec![Check { name: "drain".into(), title: "drain".into(), seconds: 30.0 }]))
        );
        let probe = Line::parse(r#"{"backend":"nvidia","driver":"hardware","device":"NVIDIA H100"}"#);
        let expected =
            Probe { backend: "nvidia".into(), driver: Driver::Hardware, device: "NVIDIA H100".into(), reason: None };
        assert_eq!(probe, Some(Line::Probe(expected)));
        let progress = Line::parse(r#"{"progress":{"done":1,"total":2}}"#);
        assert_eq!(progress, Some(Line::Progress { progress: Progress { done: 1, total: 2 } }));
        let verdict = Line::parse(r#"{"status":"skipped","reason":"no NVENC engine"}"#);
        let expected = Verdict { status: Status::Skipped, figure: None, reason: Some("no NVENC engine".into()) };
        assert_eq!(verdict, Some(Line::Verdict(expected)));
        assert_eq!(Line::parse(r#"{"error":"no GPU"}"#), Some(Line::Error { error: "no GPU".into() }));
    }

    #[test]
    fn anything_else_is_log() {
        for line in ["", "[h264 @ 0x55] non-existing SPS 0", "{", r#"{"status":"great"}"#, "{\"done\":1}", "null", "7"]
        {
            assert_eq!(Line::parse(line), None, "{line}");
        }
    }

    #[test]
    fn a_driver_has_one_name_everywhere() {
        for driver in [Driver::Hardware, Driver::Simulated] {
            assert_eq!(serde_json::to_value(driver).unwrap(), driver.name());
        }
    }
}
