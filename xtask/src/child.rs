//! A child process that is killed when it makes no progress, in a process group of its own, so that a crash or a hang in it is a result and not an end.

use crate::interrupt::Registered;
use crate::progress::Progress;
use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with that exit code.
    Exited(i32),
    /// By a signal: it crashed, or somebody killed it.
    Signalled(i32),
    /// It made no progress for so long, and was killed.
    TimedOut(Duration),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Exited(code) => write!(f, "exit code {code}"),
            Ending::Signalled(signal) => f.write_str(&signal_name(*signal)),
            Ending::TimedOut(limit) => write!(f, "no progress for {} s, killed", limit.as_secs_f64()),
        }
    }
}

/// A child that has ended.
#[derive(Debug)]
pub struct Finished {
    /// How.
    pub ending: Ending,
    /// The last lines that `on_line` did not understand.
    pub log: Vec<String>,
    /// How long it ran.
    pub elapsed: Duration,
}

/// How many lines of a child's log are kept.
const LOG_LINES: usize = 20;
/// A longer line is broken, so that a child gone wild cannot fill our memory.
const LINE_BYTES: u64 = 1 << 20;
/// How long we wait for a killed process to go, and for pipes that a grandchild outside the process group holds open.
const GRACE: Duration = Duration::from_secs(2);

enum Event {
    Stdout(String),
    Stderr(String),
    Ended(io::Result<ExitStatus>),
}

/// A line of a child's output, without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Of its stdout.
    Out(&'a str),
    /// Of its stderr.
    Err(&'a str),
}

/// Runs `command` until it ends or makes no progress for `limit` (see [`Progress`]), hands each line of its stdout to `on_line` (which says whether it understood it), and
/// kills what the child leaves behind in its process group.
pub fn run(command: &mut Command, limit: Duration, mut on_line: impl FnMut(&str) -> bool) -> io::Result<Finished> {
    run_and_read(command, limit, |line| matches!(line, Line::Out(line) if on_line(line)))
}

/// The same, with the lines of its stderr handed over too.
pub fn run_and_read(
    command: &mut Command,
    limit: Duration,
    mut on_line: impl FnMut(Line<'_>) -> bool,
) -> io::Result<Finished> {
    let started = Instant::now();
    let mut child = own_group(command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let pid = child.id();
    let _registered = Registered::new(pid);
    let (sender, events) = mpsc::channel();
    read(child.stdout.take(), &sender, Event::Stdout);
    read(child.stderr.take(), &sender, Event::Stderr);
    // A process that hangs inside a driver may survive even SIGKILL: waiting for it happens beside us, and is given up.
    thread::spawn(move || sender.send(Event::Ended(child.wait())));

    let mut log = Log::default();
    let mut ending = None;
    let mut elapsed = Duration::ZERO;
    let mut progress = Progress::new(pid, limit, limit);
    // Set once the child has ended or was killed.
    let mut deadline: Option<Instant> = None;
    loop {
        let patience =
            deadline.map_or_else(|| progress.patience(), |deadline| deadline.saturating_duration_since(Instant::now()));
        let event = events.recv_timeout(patience);
        if matches!(event, Ok(Event::Stdout(_) | Event::Stderr(_))) {
            progress.spoke();
        }
        match event {
            Ok(Event::Stdout(line)) if on_line(Line::Out(&line)) => {}
            Ok(Event::Stderr(line)) if on_line(Line::Err(&line)) => {}
            Ok(Event::Stdout(line) | Event::Stderr(line)) => log.keep(line),
            Ok(Event::Ended(status)) => {
                if ending.is_none() {
                    ending = Some(ending_of(status?));
                    elapsed = started.elapsed();
                }
                kill_group(pid);
                deadline = Some(Instant::now() + GRACE);
            }
            Err(RecvTimeoutError::Timeout) if ending.is_none() => {
                if progress.hung().is_some() {
                    ending = Some(Ending::TimedOut(limit));
                    elapsed = started.elapsed();
                    kill_group(pid);
                    deadline = Some(Instant::now() + GRACE);
                }
            }
            // All that could report has; or the grace is over.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    let ending = ending.ok_or_else(|| io::Error::other("nobody could say how the child ended"))?;
    Ok(Finished { ending, log: log.lines.into(), elapsed })
}

/// Reads a pipe line by line on a thread of its own, until it is closed or nobody listens.
fn read(pipe: Option<impl Read + Send + 'static>, events: &Sender<Event>, event: fn(String) -> Event) {
    let (Some(pipe), events) = (pipe, events.clone()) else { return };
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if events.send(event(text)).is_err() {
                break;
            }
            line.clear();
        }
    });
}

/// The last lines of a log.
#[derive(Default)]
struct Log {
    lines: VecDeque<String>,
}

impl Log {
    fn keep(&mut self, line: String) {
        if self.lines.len() == LOG_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

#[cfg(unix)]
mod system {
    use super::Ending;
    use nix::sys::signal::{Signal, killpg};
    use nix::unistd::Pid;
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Command, ExitStatus};

    /// Makes the child the leader of a process group, so that it can be killed with its children.
    pub fn own_group(command: &mut Command) -> &mut Command {
        command.process_group(0)
    }

    /// Kills the process group that this child leads, if anything of it is left.
    pub fn kill_group(pid: u32) {
        if let Ok(pid) = i32::try_from(pid) {
            // ESRCH, that nothing is left, is the usual answer.
            let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }

    pub fn ending_of(status: ExitStatus) -> Ending {
        status.signal().map_or_else(|| Ending::Exited(status.code().unwrap_or(-1)), Ending::Signalled)
    }

    /// The signal's name, `SIGSEGV`.
    pub fn signal_name(signal: i32) -> String {
        Signal::try_from(signal).map_or_else(|_| format!("signal {signal}"), |signal| signal.as_str().to_owned())
    }
}

#[cfg(not(unix))]
mod system {
    use super::Ending;
    use std::process::{Command, ExitStatus, Stdio};

    pub fn own_group(command: &mut Command) -> &mut Command {
        command
    }

    pub fn kill_group(pid: u32) {
        let mut command = Command::new("taskkill");
        let _ =
            command.args(["/T", "/F", "/PID", &pid.to_string()]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }

    pub fn ending_of(status: ExitStatus) -> Ending {
        Ending::Exited(status.code().unwrap_or(-1))
    }

    pub fn signal_name(signal: i32) -> String {
        format!("signal {signal}")
    }
}

use system::ending_of;
pub use system::{kill_group, own_group, signal_name};

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    /// What the children here sleep, if nobody kills them.
    const FOREVER: Duration = Duration::from_secs(3600);

    fn shell(script: &str, limit: Duration) -> (Finished, Vec<String>) {
        let mut lines = Vec::new();
        let finished = run(Command::new("sh").args(["-c", script]), limit, |line| {
            let understood = !line.starts_with("noise");
            if understood {
                lines.push(line.to_owned());
            }
            understood
        });
        (finished.unwrap(), lines)
    }

    #[test]
    fn an_exit_code_and_every_line_come_back() {
        let (finished, lines) = shell("echo a; echo noise; echo b >&2; printf c; exit 3", LONG);
        assert_eq!(finished.ending, Ending::Exited(3));
        assert_eq!(lines, ["a", "c"]);
        let mut log = finished.log;
        log.sort();
        assert_eq!(log, ["b", "noise"]);
    }

    #[test]
    fn stderr_is_told_from_stdout() {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        let finished = run_and_read(command.args(["-c", "echo a; echo b >&2; echo c >&2"]), LONG, |line| {
            lines.push(format!("{line:?}"));
            line != Line::Err("c")
        });
        lines.sort();
        assert_eq!(lines, [r#"Err("b")"#, r#"Err("c")"#, r#"Out("a")"#]);
        assert_eq!(finished.unwrap().log, ["c"]);
    }

    #[test]
    fn a_crash_has_the_signal_s_name() {
        for (signal, name) in [("SEGV", "SIGSEGV"), ("ABRT", "SIGABRT"), ("BUS", "SIGBUS"), ("KILL", "SIGKILL")] {
            let (finished, _) = shell(&format!("kill -{signal} $$"), LONG);
            assert_eq!(finished.ending.to_string(), name);
        }
        assert_eq!(signal_name(1000), "signal 1000");
    }

    /// A pipe in the file system that `script` holds open in all its processes: the answer is how long any of them lived.
    fn lifetime(script: &str, limit: Duration) -> (Finished, Duration) {
        let folder = tempfile::TempDir::new().unwrap();
        let pipe = folder.path().join("held");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = thread::spawn({
            let pipe = pipe.clone();
            move || {
                let started = Instant::now();
                std::fs::read(pipe).unwrap();
                started.elapsed()
            }
        });
        let (finished, _) = shell(&format!("exec 9>{}; {script}", pipe.display()), limit);
        (finished, reader.join().unwrap())
    }

    #[test]
    fn a_hang_ends_with_all_its_children() {
        let (finished, lived) = lifetime("sleep 3600 & sleep 3600", Duration::from_millis(300));
        assert_eq!(finished.ending, Ending::TimedOut(Duration::from_millis(300)));
        assert_eq!(finished.ending.to_string(), "no progress for 0.3 s, killed");
        assert!(lived < FOREVER, "{lived:?}");
    }

    #[test]
    fn a_child_that_ignores_sigterm_ends_too() {
        let (finished, _) = shell("trap '' TERM INT HUP; while :; do sleep 1; done", Duration::from_millis(300));
        assert!(matches!(finished.ending, Ending::TimedOut(_)));
    }

    /// Longer than its limit, but with a word now and then, or at work.
    #[test]
    fn a_slow_child_is_let_go_on() {
        let limit = Duration::from_secs(3);
        let (finished, lines) = shell("for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.5; done", limit);
        assert_eq!((finished.ending, lines.len()), (Ending::Exited(0), 8));
        assert!(finished.elapsed > limit);
    }

    /// Work counts as progress up to a CPU time of the limit, however long it takes on a busy machine.
    #[test]
    fn a_child_that_computes_without_end_is_killed() {
        let (finished, _) = shell("while :; do :; done", Duration::from_millis(300));
        assert!(matches!(finished.ending, Ending::TimedOut(_)));
        assert!(finished.elapsed >= Duration::from_millis(300));
    }

    #[test]
    fn what_a_child_leaves_behind_is_killed() {
        let (finished, lived) = lifetime("sleep 3600 &", LONG);
        assert_eq!(finished.ending, Ending::Exited(0));
        assert!(lived < FOREVER, "{lived:?}");
    }

    #[test]
    fn what_was_said_before_a_hang_is_kept() {
        let (_, lines) = shell("echo started; sleep 3600", Duration::from_millis(300));
        assert_eq!(lines, ["started"]);
    }

    #[test]
    fn only_the_last_lines_of_a_long_log_are_kept() {
        let (finished, _) = shell("i=0; while [ $i -lt 50 ]; do echo $i >&2; i=$((i+1)); done", LONG);
        assert_eq!(finished.log.len(), LOG_LINES);
        assert_eq!(finished.log.last().unwrap(), "49");
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        assert!(run(&mut Command::new("/nonexistent/program"), LONG, |_| true).is_err());
    }
}
