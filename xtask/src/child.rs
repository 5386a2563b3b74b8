//! A child process with a time limit, in a process group of its own, so that a crash or a hang in it is a result and not an end.

use crate::interrupt::Registered;
use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
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
    /// It ran past its limit, and was killed.
    TimedOut(Duration),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Exited(code) => write!(f, "exit code {code}"),
            Ending::Signalled(signal) => f.write_str(&signal_name(*signal)),
            Ending::TimedOut(limit) => write!(f, "no end after {} s: killed", limit.as_secs_f64()),
        }
    }
}

/// A child that has ended.
#[derive(Debug)]
pub struct Finished {
    /// How.
    pub ending: Ending,
    /// The last lines of its stderr, and of its stdout what `on_line` refused.
    pub log: Vec<String>,
    /// How long it ran.
    pub elapsed: Duration,
}

/// How many lines of a child's log are kept.
const LOG_LINES: usize = 20;
/// A longer line is broken, so that a child gone wild cannot fill our memory.
const LINE_BYTES: u64 = 1 << 20;
/// How long a pipe may stay open after its process has ended: a grandchild that left the process group may hold it.
const PIPE_GRACE: Duration = Duration::from_secs(2);

enum Event {
    Stdout(String),
    Stderr(String),
    Ended(io::Result<ExitStatus>),
}

/// Runs `command` for at most `limit`, hands each line of its stdout to `on_line` (which says whether it understood it), and
/// kills whatever the child has left behind in its process group.
pub fn run(command: &mut Command, limit: Duration, mut on_line: impl FnMut(&str) -> bool) -> io::Result<Finished> {
    let started = Instant::now();
    let mut child = own_group(command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let pid = child.id();
    let registered = Registered::new(pid);
    let events = watch(&mut child, child_pipes);
    let (sender, events) = events;
    thread::spawn(move || {
        let ended = child.wait();
        // Nobody listens any more when the pipes outlived their grace.
        let _ = sender.send(Event::Ended(ended));
    });

    let mut log = VecDeque::new();
    let mut keep = |line: String| {
        if log.len() == LOG_LINES {
            log.pop_front();
        }
        log.push_back(line);
    };
    let mut deadline = started + limit;
    let mut timed_out = false;
    let mut ended = None;
    let mut elapsed = Duration::ZERO;
    loop {
        match events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Event::Stdout(line)) => {
                if !on_line(&line) {
                    keep(line);
                }
            }
            Ok(Event::Stderr(line)) => keep(line),
            Ok(Event::Ended(status)) => {
                ended = Some(status?);
                elapsed = started.elapsed();
                drop_group(pid);
                deadline = Instant::now() + PIPE_GRACE;
            }
            Err(RecvTimeoutError::Timeout) if ended.is_none() && !timed_out => {
                timed_out = true;
                kill_group(pid);
                deadline = Instant::now() + PIPE_GRACE;
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    drop(registered);
    let ending = match ended {
        _ if timed_out => Ending::TimedOut(limit),
        Some(status) => ending(status),
        None => return Err(io::Error::other("the child ended, and nobody could say how")),
    };
    let elapsed = if timed_out { limit } else { elapsed };
    Ok(Finished { ending, log: log.into(), elapsed })
}
