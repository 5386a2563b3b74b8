//! `cargo xtask attack`: random safe programs against the library under AddressSanitizer, in processes that may crash or hang.
//!
//! The programs are those of the package `attack`. Each is told by a seed and its number, and a finding is one line
//! that runs it again. `build` makes the programs, `batch` runs some in one process, `check` plants defects, `guards`
//! and `without` take the library's guards away, `judge` says what an ending means, `known` is the list of FFmpeg's own
//! faults, `watch` whether a process gets on.

mod batch;
mod build;
mod check;
mod guards;
mod judge;
mod known;
#[cfg(test)]
mod tests;
mod watch;
mod without;

use crate::setup::packages::Purpose;
use crate::setup::{self, SetupArgs};
use crate::{interrupt, workspace};
use anyhow::{Context, Result, bail};
use batch::{Batch, Setting};
use clap::Args;
use judge::Finding;
use known::Known;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The options of `cargo xtask attack`.
#[derive(Args, Debug)]
pub struct AttackArgs {
    /// Begin no further programs after so many seconds
    #[arg(long)]
    seconds: Option<u64>,
    /// What the programs are made from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many programs to run; 400, if no seconds are given either
    #[arg(long)]
    programs: Option<u64>,
    /// Run this program alone, or these: 45 or 40..46
    #[arg(long, value_parser = numbers)]
    program: Option<Range<u64>>,
    /// Only programs of this kind: encode, input, output, packets, frames, device, logger, threads
    #[arg(long)]
    family: Option<String>,
    /// Run so many of the programs under Valgrind too
    #[arg(long, default_value_t = 0)]
    valgrind: u64,
    /// Run every so-manieth batch twice, with other bytes in fresh memory; 0 for none
    #[arg(long, default_value_t = 4)]
    twice: u64,
    /// First make sure that defects on purpose are found
    #[arg(long)]
    check: bool,
    /// Attack a copy of the sources without this guard of the library until that shows: a name of
    /// xtask/src/attack/guards.rs, or all
    #[arg(long, value_name = "GUARD")]
    without: Option<String>,
    #[command(flatten)]
    setup: SetupArgs,
}

impl AttackArgs {
    /// The programs to run; without an end where `endless`, or a time, says so.
    fn range(&self, endless: bool) -> Range<u64> {
        match (&self.program, self.programs, self.seconds) {
            (Some(range), ..) => range.clone(),
            (None, Some(programs), _) => 0..programs,
            (None, None, seconds) if endless || seconds.is_some() => 0..u64::MAX,
            (None, None, _) => 0..DEFAULT,
        }
    }
}

/// Programs in one process.
const BATCH: u64 = 20;
/// Processes at a time.
const AT_ONCE: usize = 2;
const DEFAULT: u64 = 400;
/// CPU time of one program in seconds: FFmpeg's slowest encoders need a tenth of it.
const CPU_S: f64 = 300.0;

fn numbers(text: &str) -> Result<Range<u64>, String> {
    let number =
        |text: &str| text.trim().parse::<u64>().map_err(|_| "a program is a number, or two: 40..46".to_owned());
    match text.split_once("..") {
        Some((from, to)) => Ok(number(from)?..number(to)?),
        None => number(text).map(|number| number..number + 1),
    }
}

/// Runs it.
pub fn run(args: AttackArgs) -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("attack runs on Linux alone");
    }
    let guards = args.without.as_deref().map(without::guards).transpose()?;
    setup::ensure(Purpose::Memcheck, args.setup)?;
    let known = Known::read(&workspace::root().join("tools/attack/known.txt"))?;
    let programs = build::programs()?;
    let setting = Setting {
        program: programs.program,
        preload: programs.preload,
        seed: args.seed,
        family: args.family.clone(),
        fill: 0xBE,
        valgrind: false,
        cpu_s: CPU_S,
        // Exact stacks for a few programs, fast ones for many.
        exact: args.program.is_some(),
    };
    if args.check {
        check::run(&setting)?;
    }
    if let Some(guards) = guards {
        return without::run(&guards, &args, &setting);
    }
    let started = Instant::now();
    let deadline = args.seconds.map(|seconds| started + Duration::from_secs(seconds));
    let search = Search { range: args.range(false), deadline, twice: args.twice, until: None };
    let mut tally = attack(&setting, search, known)?;
    if args.valgrind > 0 {
        valgrind(&setting, args.valgrind, &mut tally)?;
    }
    tally.report(args.seed, started.elapsed(), args.program.is_none())
}

/// Which programs are run, and when it is enough.
struct Search<'s> {
    range: Range<u64>,
    deadline: Option<Instant>,
    /// Every so-manieth batch runs twice.
    twice: u64,
    /// Whether a finding is the one that is looked for.
    until: Option<&'s (dyn Fn(&Finding) -> Result<bool> + Sync)>,
}

/// What all processes have found together.
struct Tally {
    known: Known,
    version: Option<u32>,
    programs: u64,
    findings: Vec<Finding>,
    /// How often an entry of the list was met.
    met: BTreeMap<usize, u64>,
    families: BTreeMap<String, u64>,
    /// How often a finding of that signature was met.
    alike: BTreeMap<String, u64>,
    started: Instant,
    /// What was looked for, and when it was found.
    wanted: Option<(Duration, Finding)>,
}

impl Tally {
    /// Takes what a batch has found, and gives back what of it nobody knew.
    fn take(&mut self, batch: Batch) -> Vec<Finding> {
        let before = self.findings.len();
        self.version = self.version.or(batch.version);
        self.programs += batch.ended;
        for family in batch.families {
            *self.families.entry(family).or_default() += 1;
        }
        for finding in batch.findings {
            match self.known.entry(&finding, self.version) {
                Some(entry) => *self.met.entry(entry).or_default() += 1,
                None => {
                    // Of the same finding three lines are enough.
                    let count = self.alike.entry(finding.signature()).or_default();
                    *count += 1;
                    if *count > 3 {
                        continue;
                    }
                    println!("{:7.1} s  {finding}", self.started.elapsed().as_secs_f64());
                    self.findings.push(finding);
                }
            }
        }
        self.findings[before..].to_vec()
    }
    fn report(self, seed: u64, elapsed: Duration, complete: bool) -> Result<()> {
        println!("\n{} programs of seed {seed} in {:.1} s", self.programs, elapsed.as_secs_f64());
        let families: Vec<_> = self.families.iter().map(|(name, count)| format!("{count} {name}")).collect();
        println!("  {}", families.join(", "));
        for (entry, count) in &self.met {
            println!("  FFmpeg's own, {count} times: {}", self.known.sentence(*entry));
        }
        if complete && self.programs >= 5000 {
            for sentence in self.known.unmet(&self.met, self.version) {
                println!("  not met, the list may shrink: {sentence}");
            }
        }
        if self.programs == 0 {
            bail!("no program ran");
        }
        if self.findings.is_empty() {
            println!("nothing found");
            return Ok(());
        }
        for (signature, count) in &self.alike {
            println!("  {count:4} times {signature}");
        }
        bail!(
            "{} findings, {} kinds of them; the lines above run them again",
            self.alike.values().sum::<u64>(),
            self.alike.len()
        );
    }
}

fn attack(setting: &Setting, search: Search<'_>, known: Known) -> Result<Tally> {
    let Search { range, deadline, twice, until } = search;
    let tally = Tally {
        known,
        version: None,
        programs: 0,
        findings: Vec::new(),
        met: BTreeMap::new(),
        families: BTreeMap::new(),
        alike: BTreeMap::new(),
        started: Instant::now(),
        wanted: None,
    };
    let is_found = AtomicBool::new(false);
    let tally = Mutex::new(tally);
    let next = Mutex::new(range.start);
    let batches = || {
        let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
        let from = *next;
        let over = deadline.is_some_and(|deadline| Instant::now() >= deadline)
            || interrupt::came()
            || is_found.load(Ordering::SeqCst);
        *next = from.saturating_add(BATCH).min(range.end);
        (from < *next && !over).then(|| from..*next)
    };
    let work = || -> Result<()> {
        while let Some(part) = batches() {
            let number = (part.start - range.start) / BATCH;
            let batch = batch::run(setting, part.clone(), deadline)?;
            let again =
                (twice > 0 && number % twice == 0).then(|| batch::differences(setting, &batch, part)).transpose()?;
            let mut new = Vec::new();
            let time = {
                let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                new.extend(tally.take(batch));
                again.into_iter().for_each(|batch| new.extend(tally.take(batch)));
                tally.started.elapsed()
            };
            for finding in new {
                let Some(until) = until.filter(|_| !is_found.load(Ordering::SeqCst)) else { break };
                if until(&finding)? {
                    is_found.store(true, Ordering::SeqCst);
                    tally.lock().unwrap_or_else(PoisonError::into_inner).wanted = Some((time, finding));
                }
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| bail!("a thread of ours panicked")))
    })?;
    Ok(tally.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// A sample under Valgrind, which sees what FFmpeg itself reads and writes.
fn valgrind(setting: &Setting, programs: u64, tally: &mut Tally) -> Result<()> {
    let plain = build::without_sanitizer().context("the programs for Valgrind")?;
    let setting = Setting {
        program: plain.program,
        preload: plain.preload,
        valgrind: true,
        cpu_s: CPU_S * 20.0,
        ..setting.clone()
    };
    let ended = tally.programs;
    for from in (0..programs).step_by(10) {
        if interrupt::came() {
            break;
        }
        tally.take(batch::run(&setting, from..(from + 10).min(programs), None)?);
    }
    println!("  {} programs under Valgrind", tally.programs - ended);
    Ok(())
}
