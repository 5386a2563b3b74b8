//! `cargo xtask gpu-test` from end to end, on a check program that is a shell script.
#![cfg(unix)]

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A check program whose checks are these shell commands, by name.
struct Script {
    folder: TempDir,
}

/// What the simulated driver's probe answers.
const SIMULATED: &str =
    r#"{"backend":"nvidia","driver":"simulated","device":"SIMULATED NVIDIA GPU","reason":"no libcuda.so.1"}"#;
const HARDWARE: &str = r#"{"backend":"nvidia","driver":"hardware","device":"NVIDIA H100"}"#;

impl Script {
    fn new(checks: &[(&str, &str)]) -> Self {
        Self::with_probe(checks, &format!("echo '{SIMULATED}'"))
    }

    fn with_probe(checks: &[(&str, &str)], probe: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let list: Vec<String> = checks
            .iter()
            .map(|(name, _)| format!(r#"{{"name":"{name}","title":"the {name} check","seconds":60}}"#))
            .collect();
        let cases: String = checks.iter().map(|(name, script)| format!("  run:{name}) {script} ;;\n")).collect();
        let text = format!(
            "#!/bin/sh\necho \"$@\" >> {folder}/log\nname=$1; [ \"$1\" = run ] && name=run:$2\ncase $name in\n  list) echo '[{}]' ;;\n  probe) {probe} ;;\n{cases}esac\n",
            list.join(","),
            folder = folder.path().display()
        );
        // Another process writes it: were it open for writing here, a test beside us might fork just then and keep it open,
        // and a file open for writing cannot be executed.
        let mut install = Command::new("install");
        install.args(["-m", "755", "/dev/stdin"]).arg(folder.path().join("checks")).stdin(Stdio::piped());
        let mut install = install.spawn().unwrap();
        install.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(install.wait().unwrap().success());
        Self { folder }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = xtask(arguments);
        command.arg("--checks-program").arg(self.folder.path().join("checks"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).output().unwrap())
    }

    /// The command lines that the program was called with.
    fn calls(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn xtask(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("gpu-test").args(arguments).stdin(Stdio::null());
    command
}

struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Run {
    fn of(output: Output) -> Self {
        assert_eq!(output.status.signal(), None);
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The report's line on this check.
    fn row(&self, name: &str) -> &str {
        let title = format!("the {name} check");
        self.stdout.lines().find(|line| line.contains(&title)).unwrap_or_else(|| panic!("no {name}: {}", self.stdout))
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

const PASS: &str = r#"echo '{"status":"passed","figure":"100 frames in, 100 packets out"}'"#;
const LEDGER: &str = r#"echo '{"status":"passed","figure":"ledger: 0 objects alive, 0 violations"}'"#;
const SKIP: &str = r#"echo '{"status":"skipped","reason":"this GPU has no NVENC engine"}'"#;
const FAIL: &str =
    r#"echo '[nvenc] InitializeEncoder failed' >&2; echo '{"status":"failed","reason":"frame 3 differs"}'; exit 1"#;

#[test]
fn a_good_run_ends_with_the_ledger_and_cleanup_completed() {
    let script = Script::new(&[("transcode", PASS), ("encode", SKIP), ("ledger", LEDGER)]);
    let run = script.run(&[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.row("transcode"), "ok      the transcode check  100 frames in, 100 packets out (SIMULATED)");
    assert_eq!(run.row("encode"), "skip    the encode check     skipped: this GPU has no NVENC engine");
    let end: Vec<_> = run.stdout.lines().rev().take(3).collect();
    assert_eq!(
        end,
        [
            "Cleanup completed",
            "ledger: 0 objects alive, 0 violations (SIMULATED)",
            "3 checks: 2 passed, 0 failed, 1 skipped"
        ]
    );
    assert!(run.stdout.starts_with(
        "device  SIMULATED NVIDIA GPU\ndriver  simulated: no libcuda.so.1\ninput   test-25fps.h264, 320x240, the first 100 of 250 frames\n"
    ));
    assert_eq!(run.stderr, "");
}

#[test]
fn a_failure_shows_its_log_and_no_cleanup_completed() {
    let run = Script::new(&[("compare", FAIL), ("drain", PASS)]).run(&[]);
    assert_eq!(run.code, Some(1));
    assert_eq!(run.row("compare"), "FAILED  the compare check  frame 3 differs");
    assert!(run.stdout.contains("        | [nvenc] InitializeEncoder failed\n"), "{}", run.stdout);
    assert!(run.row("drain").starts_with("ok "), "the others run all the same");
    assert!(run.stdout.contains("2 checks: 1 passed, 1 failed, 0 skipped") && !run.stdout.contains("Cleanup"));
    assert_eq!(run.stderr, "error: not every check passed\n");
}

#[test]
fn a_crash_is_reported_by_name_and_signal() {
    let crash_at_exit = format!("{PASS}; kill -ABRT $$");
    let run = Script::new(&[("drain", "kill -SEGV $$"), ("close", &crash_at_exit), ("after", PASS)]).run(&[]);
    assert_eq!(run.code, Some(1));
    assert_eq!(run.row("drain"), "FAILED  the drain check  crashed: SIGSEGV");
    assert_eq!(run.row("close"), "FAILED  the close check  crashed: SIGABRT, after its work was done");
    assert!(run.row("after").starts_with("ok "));
}

#[test]
fn a_hang_is_reported_with_its_limit() {
    let run = Script::new(&[("close", "sleep 600"), ("after", PASS)]).run(&["--timeout", "1"]);
    assert_eq!(run.code, Some(1));
    assert_eq!(run.row("close"), "FAILED  the close check  hung: no progress for 1 s, killed");
    assert!(run.row("after").starts_with("ok "));
}

#[test]
fn garbage_is_a_failed_check_and_is_shown() {
    let garbage = r#"printf '\377\376{"status":\n{"status":"splendid"}\n'"#;
    let run = Script::new(&[("odd", garbage), ("mute", ":")]).run(&[]);
    assert_eq!(run.code, Some(1));
    assert_eq!(run.row("odd"), "FAILED  the odd check   ended without a verdict, exit code 0");
    assert!(run.stdout.contains(r#"        | {"status":"splendid"}"#), "{}", run.stdout);
    assert_eq!(run.row("mute"), "FAILED  the mute check  ended without a verdict, exit code 0");
}

#[test]
fn json_is_one_document_and_nothing_else() {
    let progress = format!(r#"echo '{{"progress":{{"done":1,"total":2}}}}'; echo chatter; {PASS}"#);
    let script = Script::new(&[("transcode", &progress), ("compare", FAIL), ("encode", SKIP), ("ledger", LEDGER)]);
    let run = script.run(&["--json", "--frames", "7"]);
    assert_eq!(run.code, Some(1));
    let document = run.json();
    assert_eq!(document["ok"], false);
    assert_eq!(document["cleanup"], Value::Null);
    assert_eq!((&document["driver"], &document["frames"]), (&"simulated".into(), &7.into()));
    assert_eq!(document["checks"][0]["figure"], "100 frames in, 100 packets out (SIMULATED)");
    assert_eq!(document["checks"][1]["status"], "failed");
    assert_eq!(document["checks"][1]["log"][0], "[nvenc] InitializeEncoder failed");
    assert_eq!(document["checks"][2]["reason"], "this GPU has no NVENC engine");
    assert_eq!(document["last_word"], "ledger: 0 objects alive, 0 violations (SIMULATED)");
    assert_eq!((&document["passed"], &document["failed"], &document["skipped"]), (&2.into(), &1.into(), &1.into()));
}

#[test]
fn json_of_a_good_run_and_of_an_error() {
    let script = Script::new(&[("transcode", PASS)]);
    let run = script.run(&["--json"]);
    assert_eq!((run.code, &run.json()["cleanup"]), (Some(0), &"Cleanup completed".into()));
    let run = script.run(&["--json", "--input", "/nonexistent.mp4"]);
    assert_eq!(run.code, Some(1));
    assert!(run.json()["error"].as_str().unwrap().starts_with("--input /nonexistent.mp4"));
}

#[test]
fn a_gpu_s_figures_are_not_called_simulated() {
    let script = Script::with_probe(&[("transcode", PASS)], &format!("echo '{HARDWARE}'"));
    let run = script.run(&["--hardware"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.starts_with("device  NVIDIA H100\ninput "), "{}", run.stdout);
    assert!(!run.stdout.contains("SIMULATED"));
}

#[test]
fn the_program_is_told_what_the_user_asked_for() {
    let script = Script::new(&[("one", PASS)]);
    let file = script.path("in.h264");
    fs::write(&file, "x").unwrap();
    let run = script.run(&["--simulated", "--backend", "nvidia", "--frames", "3", "--input", file.to_str().unwrap()]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let calls = script.calls();
    let mut calls = calls.lines();
    let file = fs::canonicalize(file).unwrap();
    let probe = format!("probe --backend nvidia --driver simulated --input {}", file.display());
    assert_eq!(calls.next(), Some(probe.as_str()));
    assert_eq!(calls.next(), Some("list --backend nvidia"));
    let run = calls.next().unwrap();
    let expected = format!("run one --backend nvidia --driver simulated --frames 3 --input {} --work ", file.display());
    let work = run.strip_prefix(&expected).unwrap_or_else(|| panic!("{run}"));
    assert!(!fs::exists(work).unwrap(), "{work} was left behind");
}

#[test]
fn a_check_writes_to_an_empty_folder() {
    let run = Script::new(&[("one", &format!(r#"eval "work=\${{$#}}"; : > "$work/out" && {PASS}"#))]).run(&[]);
    assert_eq!(run.code, Some(0), "{}", run.stdout);
}

#[test]
fn bad_arguments_are_refused_before_anything_runs() {
    let script = Script::new(&[("one", PASS)]);
    fs::write(script.path("empty.mp4"), "").unwrap();
    let empty = script.path("empty.mp4");
    for (arguments, message) in [
        (vec!["--frames", "0"], "invalid value '0' for '--frames <N>'"),
        (vec!["--frames", "99999999999999"], "for '--frames <N>'"),
        (vec!["--frames", "many"], "invalid value 'many' for '--frames <N>'"),
        (vec!["--timeout", "0"], "for '--timeout <SECONDS>'"),
        (vec!["--backend", "amd"], "invalid value 'amd' for '--backend <BACKEND>'"),
        (vec!["--simulated", "--hardware"], "'--simulated' cannot be used with '--hardware'"),
        (vec!["--input", "/nonexistent.mp4"], "error: --input /nonexistent.mp4: No such file or directory"),
        (vec!["--input", empty.to_str().unwrap()], "empty.mp4: the file is empty"),
        (vec!["--input", "/"], "error: --input /: this is a folder"),
    ] {
        let run = script.run(&arguments);
        assert!(run.code.is_some_and(|code| code != 0), "{arguments:?}");
        assert!(run.stderr.starts_with("error: ") && run.stderr.contains(message), "{arguments:?}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{arguments:?}");
    }
    assert_eq!(script.calls(), "", "the check program ran");
}

#[test]
fn hardware_that_is_not_there_is_one_clear_line() {
    let script = Script::with_probe(
        &[("one", PASS)],
        r#"echo '{"error":"no NVIDIA GPU: libcuda.so.1 is not installed"}'; exit 1"#,
    );
    let run = script.run(&["--hardware"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), "error: no NVIDIA GPU: libcuda.so.1 is not installed\n"));
}

#[test]
fn the_simulated_driver_never_stands_in_for_hardware() {
    let run = Script::new(&[("one", PASS)]).run(&["--hardware"]);
    assert_eq!(run.stderr, "error: --hardware was asked for, the simulated driver answered\n");
    assert_eq!(run.code, Some(1));
}

#[test]
fn a_probe_that_crashes_is_told_by_its_signal() {
    let run = Script::with_probe(&[("one", PASS)], "echo 'NVRM: oops' >&2; kill -SEGV $$").run(&[]);
    assert_eq!(run.stderr, "error: `gpu-test probe` gave no answer: SIGSEGV; it said: NVRM: oops\n");
}

#[test]
fn no_checks_is_an_error_and_not_a_success() {
    let run = Script::new(&[]).run(&[]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), "error: there are no checks for nvidia\n"));
}

#[test]
fn ctrl_c_ends_the_run_and_its_children() {
    // The check says who it is and where its folder lies, then hangs; both must be gone afterwards.
    let hang = r#"eval "work=\${$#}"; echo "$$ $work" > "$0.started"; sleep 600"#;
    let script = Script::new(&[("hang", hang), ("after", PASS)]);
    let started = script.path("checks.started");
    assert!(Command::new("mkfifo").arg(&started).status().unwrap().success());
    let mut child = script.command(&[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(fs::File::open(&started).unwrap()).read_line(&mut line).unwrap();
    let (pid, work) = line.trim().split_once(' ').unwrap();
    let process = |id: u32| Pid::from_raw(id.try_into().unwrap());
    kill(process(child.id()), Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(stderr, "interrupted\n");
    assert_eq!(kill(process(pid.parse().unwrap()), None), Err(Errno::ESRCH), "it lives on");
    assert!(!fs::exists(work).unwrap(), "{work} was left behind");
    assert!(!script.calls().contains("run after"));
}

#[test]
fn help_says_what_the_options_are() {
    let run = Run::of(xtask(&["--help"]).output().unwrap());
    for option in
        ["--frames <N>", "--input <FILE>", "--backend", "--simulated", "--hardware", "--json", "--timeout", "--setup"]
    {
        assert!(run.stdout.contains(option), "{option}: {}", run.stdout);
    }
    assert!(!run.stdout.contains("checks-program"));
}
