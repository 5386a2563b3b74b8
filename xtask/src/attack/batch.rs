//! Some programs in one process. After a crash another process goes on behind the crashed one; a leak, which shows at the process's
//! end, is looked for among all of them.

use super::judge::{self, Finding};
use super::watch::{LOOK, Watch};
use crate::child::{self, Ending};
use crate::interrupt::{self, Registered};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::ops::Range;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Instant;

/// What all processes of a run have in common.
#[derive(Clone, Debug)]
pub struct Setting {
    pub program: PathBuf,
    pub preload: PathBuf,
    pub seed: u64,
    pub family: Option<String>,
    /// What fresh memory is filled with.
    pub fill: u8,
    pub valgrind: bool,
    /// CPU time that a program may need, in seconds.
    pub cpu_s: f64,
    /// Exact stacks of allocations, which cost time.
    pub exact: bool,
}

/// What came of some programs.
#[derive(Debug, Default)]
pub struct Batch {
    pub version: Option<u32>,
    pub ended: u64,
    pub families: Vec<String>,
    pub findings: Vec<Finding>,
    /// For each program that ended, the hash of what came out of it, and its family.
    pub digests: BTreeMap<u64, (String, String)>,
    /// For each program that ended, its family, and what it said.
    pub scripts: BTreeMap<u64, (String, Vec<String>)>,
}

/// One process.
#[derive(Debug, Default)]
struct Process {
    batch: Batch,
    /// The program that had begun and not ended: its number, its family.
    open: Option<(u64, String)>,
    notes: Vec<String>,
    script: Vec<String>,
    stderr: Vec<String>,
    /// What the programs' process says itself: the program's number and family, and the kind and text of what is wrong.
    found: Vec<(u64, String, String, String)>,
    found_notes: Vec<Vec<String>>,
    done: bool,
    /// Why we ended it.
    killed: Option<&'static str>,
    status: Option<ExitStatus>,
}

const ASAN: &str = "detect_leaks=1:exitcode=99:handle_abort=1:handle_sigbus=1:allocator_may_return_null=1:max_allocation_size_mb=1024:\
    hard_rss_limit_mb=3000:quarantine_size_mb=64:max_malloc_fill_size=16777216";

/// Runs them all, however many processes it takes.
pub fn run(setting: &Setting, range: Range<u64>, deadline: Option<Instant>) -> Result<Batch> {
    let mut all = Batch::default();
    let mut from = range.start;
    while from < range.end && !interrupt::came() && deadline.is_none_or(|deadline| Instant::now() < deadline) {
        let mut process = start(setting, from..range.end)?;
        let first = from;
        from = range.end;
        for ((number, family, kind, report), notes) in process.found.drain(..).zip(process.found_notes.drain(..)) {
            let seed = setting.seed;
            let only = setting.family.clone();
            let finding =
                Finding { seed, programs: number..number + 1, only, family, kind, report, notes, stack: Vec::new() };
            all.findings.push(finding);
        }
        if let Some((number, family)) = process.open.take() {
            all.ended += 1;
            from = number + 1;
            let finding = crash(setting, &process, number, &family, first);
            all.findings.push(alone_or_together(setting, finding, first)?);
            if number > first {
                // A crash leaves no time to look for leaks.
                leaks(setting, first..number, &mut all)?;
            }
        } else if judge::report(&process.stderr).is_some_and(|(kind, ..)| kind == "leak") {
            leaks(setting, first..range.end, &mut all)?;
        } else if !process.done || !process.status.is_some_and(|status| status.success()) {
            let mut finding = crash(setting, &process, first, "process", first);
            finding.programs = first..range.end;
            all.findings.push(finding);
        }
        all.take(process.batch);
    }
    Ok(all)
}

/// What comes out otherwise when fresh memory holds other bytes, though it does not when it holds the same.
pub fn differences(setting: &Setting, first: &Batch, range: Range<u64>) -> Result<Batch> {
    let mut found = Batch::default();
    let digests = |fill| -> Result<Batch> { run(&Setting { fill, ..setting.clone() }, range.clone(), None) };
    let other = digests(0x11)?;
    let differs =
        |other: &Batch, number: &u64, digest: &str| other.digests.get(number).is_some_and(|(its, _)| its != digest);
    let mut suspects: Vec<_> =
        first.digests.iter().filter(|(number, (digest, _))| differs(&other, number, digest)).collect();
    // What differs by itself, as with threads, is no finding: each of the two must be the same every time.
    for _ in 0..4 {
        if suspects.is_empty() {
            return Ok(found);
        }
        let (same, others) = (digests(setting.fill)?, digests(0x11)?);
        suspects.retain(|(number, (digest, _))| {
            let is = |batch: &Batch, digest: &str| batch.digests.get(number).is_some_and(|(its, _)| its == digest);
            let before = other.digests.get(number).map(|(digest, _)| digest);
            is(&same, digest) && before.is_some_and(|before| is(&others, before))
        });
    }
    for (number, (_, family)) in suspects {
        found.findings.push(Finding {
            seed: setting.seed,
            programs: *number..number + 1,
            only: setting.family.clone(),
            family: family.clone(),
            kind: "difference".to_owned(),
            report: "what comes out depends on what fresh memory holds: --twice 1 shows it".to_owned(),
            notes: Vec::new(),
            stack: Vec::new(),
        });
    }
    Ok(found)
}

impl Batch {
    fn take(&mut self, other: Batch) {
        self.version = self.version.or(other.version);
        self.ended += other.ended;
        self.families.extend(other.families);
        self.findings.extend(other.findings);
        self.digests.extend(other.digests);
        self.scripts.extend(other.scripts);
    }
}

fn crash(setting: &Setting, process: &Process, number: u64, family: &str, _first: u64) -> Finding {
    let (kind, report, stack) = match (process.killed, judge::report(&process.stderr)) {
        (Some(why), _) => ("hang", why.to_owned(), Vec::new()),
        (None, Some((kind, report, stack))) => (kind, report, stack),
        (None, None) => {
            let words = process.stderr.last().cloned().unwrap_or_default();
            let ending = match process.status.map(|status| (status.signal(), status.code())) {
                Some((Some(signal), _)) => child::signal_name(signal),
                Some((None, Some(code))) => Ending::Exited(code).to_string(),
                _ => "no end".to_owned(),
            };
            ("crash", format!("{ending}: {words}"), Vec::new())
        }
    };
    Finding {
        seed: setting.seed,
        programs: number..number + 1,
        only: setting.family.clone(),
        family: family.to_owned(),
        kind: kind.to_owned(),
        report,
        notes: process.notes.clone(),
        stack,
    }
}

/// The finding with the line that shows it again: the program alone if it fails alone, else with those before it.
fn alone_or_together(setting: &Setting, finding: Finding, first: u64) -> Result<Finding> {
    let number = finding.programs.start;
    if number == first && setting.exact {
        return Ok(finding);
    }
    let process = start(&Setting { exact: true, ..setting.clone() }, number..number + 1)?;
    Ok(match &process.open {
        Some((_, family)) => crash(setting, &process, number, family, number),
        None if process.done => Finding { programs: first..number + 1, ..finding },
        None => finding,
    })
}

/// Which of the programs leak.
fn leaks(setting: &Setting, range: Range<u64>, all: &mut Batch) -> Result<()> {
    if interrupt::came() || range.is_empty() {
        return Ok(());
    }
    let one = range.end - range.start == 1;
    let process = start(&Setting { exact: one || setting.exact, ..setting.clone() }, range.clone())?;
    let Some(("leak", report, stack)) = judge::report(&process.stderr) else { return Ok(()) };
    if one {
        let family = process.batch.families.first().cloned().unwrap_or_default();
        all.findings.push(Finding {
            seed: setting.seed,
            programs: range,
            only: setting.family.clone(),
            family,
            kind: "leak".to_owned(),
            report,
            notes: process.notes,
            stack,
        });
        return Ok(());
    }
    let middle = range.start + (range.end - range.start) / 2;
    let before = all.findings.len();
    leaks(setting, range.start..middle, all)?;
    leaks(setting, middle..range.end, all)?;
    if all.findings.len() == before {
        // Only both halves together.
        let finding = crash(setting, &process, range.start, "process", range.start);
        all.findings.push(Finding { programs: range, stack, report, ..finding });
    }
    Ok(())
}

enum Event {
    Out(String),
    Err(String),
    Ended(std::io::Result<ExitStatus>),
}

fn start(setting: &Setting, range: Range<u64>) -> Result<Process> {
    let folder = tempfile::Builder::new().prefix("attack").tempdir()?;
    let mut command = command(setting, &range);
    command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child::own_group(&mut command).spawn().context("the attack did not start")?;
    let pid = child.id();
    let _registered = Registered::new(pid);
    let (sender, events) = mpsc::channel();
    read(child.stdout.take(), &sender, Event::Out);
    read(child.stderr.take(), &sender, Event::Err);
    thread::spawn(move || sender.send(Event::Ended(child.wait())));
    let mut process = Process::default();
    let mut watch = Watch::default();
    let mut last_look = Instant::now();
    loop {
        match events.recv_timeout(LOOK) {
            Ok(Event::Out(line)) => {
                if process.line(&line) {
                    watch = Watch::begin(pid);
                }
            }
            Ok(Event::Err(line)) => process.error(line),
            Ok(Event::Ended(status)) => {
                process.status = status.ok();
                child::kill_group(pid);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(process),
        }
        if process.status.is_none() && process.killed.is_none() && last_look.elapsed() >= LOOK {
            last_look = Instant::now();
            if let Some(why) = watch.look(pid, setting.cpu_s) {
                process.killed = Some(why);
                child::kill_group(pid);
            }
        }
    }
}

fn command(setting: &Setting, range: &Range<u64>) -> Command {
    let mut command = Command::new("sh");
    // No file beyond 64 MiB (a write fails then), no core files.
    command.args(["-c", "trap '' XFSZ; ulimit -f 131072 -c 0; exec \"$@\"", "attack"]);
    if setting.valgrind {
        command.args(["valgrind", "--quiet", "--trace-children=yes", "--error-exitcode=99", "--num-callers=24"]);
        let suppressions = crate::workspace::root().join("tests/suppressions/valgrind.supp");
        if suppressions.exists() {
            command.arg(format!("--suppressions={}", suppressions.display()));
        }
    }
    command.arg(&setting.program).arg("run");
    command.args([
        "--seed",
        &setting.seed.to_string(),
        "--from",
        &range.start.to_string(),
        "--to",
        &range.end.to_string(),
    ]);
    if let Some(family) = &setting.family {
        command.args(["--family", family]);
    }
    let mut lsan = "print_suppressions=0".to_owned();
    let suppressions = crate::workspace::root().join("tests/suppressions/lsan.supp");
    if suppressions.exists() {
        lsan += &format!(":suppressions={}", suppressions.display());
    }
    let fast = u8::from(!setting.exact);
    command
        .env("ATTACK_PRELOAD", &setting.preload)
        .env("ASAN_OPTIONS", format!("{ASAN}:malloc_fill_byte={}:fast_unwind_on_malloc={fast}", setting.fill))
        .env("LSAN_OPTIONS", lsan);
    command
}

fn read(pipe: Option<impl Read + Send + 'static>, sender: &Sender<Event>, event: fn(String) -> Event) {
    let sender = sender.clone();
    thread::spawn(move || {
        let Some(pipe) = pipe else { return };
        let mut reader = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while reader.by_ref().take(1 << 16).read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
            let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            if sender.send(event(line)).is_err() {
                return;
            }
            bytes.clear();
        }
    });
}

impl Process {
    /// Takes a line of the standard output; whether a program begins with it.
    fn line(&mut self, line: &str) -> bool {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (number, text) = rest.split_once(' ').unwrap_or((rest, ""));
        let number = number.parse::<u64>();
        match (word, number) {
            ("ffmpeg", Ok(version)) => self.batch.version = u32::try_from(version).ok(),
            ("begin", Ok(number)) => {
                self.open = Some((number, text.to_owned()));
                self.batch.families.push(text.to_owned());
                self.notes.clear();
                self.script.clear();
                self.stderr.clear();
                return true;
            }
            ("note", _) => {
                self.notes.push(rest.to_owned());
                self.script.push(rest.to_owned());
                if self.notes.len() > 12 {
                    self.notes.remove(0);
                }
            }
            ("finding", Ok(number)) => {
                let family = self.open.as_ref().map_or_else(String::new, |(_, family)| family.clone());
                let (kind, text) = text.split_once(' ').unwrap_or((text, ""));
                self.found.push((number, family, kind.to_owned(), text.to_owned()));
                let notes = self.notes.clone();
                self.found_notes.push(notes);
            }
            ("end", Ok(number)) => {
                self.batch.ended += 1;
                if let Some((_, family)) = self.open.take() {
                    self.batch.scripts.insert(number, (family.clone(), std::mem::take(&mut self.script)));
                    self.batch.digests.insert(number, (text.to_owned(), family));
                }
            }
            ("done", _) => self.done = true,
            _ => {}
        }
        false
    }
    fn error(&mut self, line: String) {
        // The first thousand lines have the report, which comes last of a crash.
        if self.stderr.len() > 4000 {
            self.stderr.drain(..2000);
        }
        self.stderr.push(line);
    }
}
