//! `cargo xtask bench`: what avsluice costs against the same loop in C, and what other crates cost.
//!
//! Instructions and allocations are counted, since times are noise: each loop runs twice, with few and with many packets, and the
//! difference is what one frame costs; what is left is the start. Every loop must give the same packets and bytes.

mod measure;
mod plot;
mod programs;
mod table;

use crate::setup::packages::Purpose;
use crate::setup::{self, SetupArgs};
use crate::workspace;
use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use measure::Cost;
use programs::Loop;
use std::fs;
use std::path::Path;

/// The options of `cargo xtask bench`.
#[derive(Args, Debug)]
pub struct BenchArgs {
    #[command(flatten)]
    setup: SetupArgs,
    /// Measure avsluice and the C loop alone, write nothing, and fail where avsluice costs more than it may
    #[arg(long)]
    check: bool,
    /// Measure only these other crates; may be given several times
    #[arg(long, value_name = "CRATE", conflicts_with = "check")]
    peer: Vec<String>,
    /// Write no documentation
    #[arg(long)]
    dry_run_docs: bool,
}

/// More instructions than the C loop's, as a ratio, that avsluice may cost for each frame, and allocations.
const MOST: (f64, f64) = (1.0005, 0.0);
/// A count of allocations varies by some dozens from run to run, in the start of the libraries that FFmpeg links; one more with each keyframe
/// is 0.08 for each frame.
const ALLOCATIONS_NOISE: f64 = 0.05;

/// What one loop costs, or why that is not known.
pub struct Row {
    name: String,
    about: &'static str,
    cost: Result<Cost>,
}

/// Measures, prints, and writes docs/performance.md.
pub fn run(args: &BenchArgs) -> Result<()> {
    if !cfg!(all(target_os = "linux", target_env = "gnu")) {
        bail!("bench runs on Linux with glibc alone: it replaces glibc's malloc to count");
    }
    setup::ensure(Purpose::Memcheck, args.setup)?;
    let scratch = tempfile::tempdir()?;
    let own = programs::own()?;
    let input = scratch.path().join("input.mkv");
    own.make_input(&input)?;
    let mut loops = vec![own.c, own.avsluice];
    if !args.check {
        loops.extend(programs::peers(&args.peer)?);
    }
    let rows = measure_all(loops, &input)?;
    let versions = programs::versions()?;
    println!("{}", table::text(&rows));
    check(&rows, args.check)?;
    if !args.check && !args.dry_run_docs {
        let docs = workspace::root().join("docs");
        table::write(&docs, &rows, &versions)?;
        println!("written: docs/performance.md and its plots in docs/performance/");
    }
    Ok(())
}

fn measure_all(loops: Vec<Loop>, input: &Path) -> Result<Vec<Row>> {
    let steps = u64::try_from(loops.len())? * measure::STEPS;
    let bar = ProgressBar::new(steps).with_style(ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}")?);
    let rows = loops.into_iter().map(|one| {
        bar.set_message(one.name.clone());
        let cost = one.program.and_then(|program| measure::cost(&program, input, || bar.inc(1)));
        Row { name: one.name, about: one.about, cost }
    });
    let rows: Vec<_> = rows.collect();
    bar.finish_and_clear();
    // Without these two there is nothing to compare.
    for row in rows.iter().take(2) {
        if let Err(error) = &row.cost {
            bail!("{}: {error:#}", row.name);
        }
    }
    Ok(rows)
}

/// Fails where the loops do different work, or, if asked, where avsluice costs more than it may.
fn check(rows: &[Row], strictly: bool) -> Result<()> {
    let costs: Vec<_> = rows.iter().filter_map(|row| Some((&row.name, row.cost.as_ref().ok()?))).collect();
    let (_, c) = costs.first().context("no loop was measured")?;
    for (name, cost) in &costs {
        if cost.output != c.output {
            bail!(
                "{name} gives {:?} packets and bytes, the C loop {:?}: they do different work",
                cost.output,
                c.output
            );
        }
    }
    let (_, ours) = costs.get(1).context("avsluice was not measured")?;
    let ratio = ours.instructions / c.instructions;
    let allocations = (ours.allocations - c.allocations).max(0.0);
    if strictly && (ratio > MOST.0 || allocations > MOST.1 + ALLOCATIONS_NOISE) {
        bail!(
            "avsluice costs {ratio:.5} of the C loop's instructions and {allocations:.3} allocations more per frame: at most {} and {} are allowed",
            MOST.0,
            MOST.1
        );
    }
    Ok(())
}

/// Puts the text between two marks of a document; the rest stays.
fn replace_between(document: &str, begin: &str, end: &str, text: &str) -> Result<String> {
    let (before, rest) = document.split_once(begin).with_context(|| format!("docs/performance.md has no {begin}"))?;
    let (_, after) = rest.split_once(end).with_context(|| format!("docs/performance.md has no {end}"))?;
    Ok(format!("{before}{begin}\n{text}\n{end}{after}"))
}

/// Writes a file whole or not at all.
fn write_whole(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().context("a file has a folder")?;
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    file.persist(path).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    fn row(name: &str, instructions: f64, allocations: f64, bytes: u64) -> Row {
        let cost = Cost { output: (9, bytes), instructions, allocations, start: 1e6, peak_kib: 1000 };
        Row { name: name.into(), about: "", cost: Ok(cost) }
    }

    #[test]
    fn what_costs_too_much_fails() {
        let check = |instructions, allocations| {
            check(&[row("C", 1e6, 150.0, 1), row("avsluice", instructions, allocations, 1)], true).is_ok()
        };
        assert!(check(1_000_400.0, 150.0) && check(999_000.0, 149.0));
        assert!(!check(1_000_600.0, 150.0) && !check(1e6, 151.0));
    }

    #[test]
    fn different_work_fails_and_a_peer_that_did_not_build_does_not() {
        let loops = [row("C", 1e6, 1.0, 1), row("avsluice", 1e6, 1.0, 1), row("peer", 1e6, 1.0, 2)];
        assert!(check(&loops, false).unwrap_err().to_string().contains("peer gives"));
        let failed = Row { name: "peer".into(), about: "", cost: Err(anyhow!("it does not build")) };
        assert!(check(&[row("C", 1e6, 1.0, 1), row("avsluice", 1e6, 1.0, 1), failed], true).is_ok());
    }

    #[test]
    fn only_what_stands_between_the_marks_changes() {
        let document = "a <!-- x --> old <!-- /x --> b";
        assert_eq!(
            replace_between(document, "<!-- x -->", "<!-- /x -->", "new").unwrap(),
            "a <!-- x -->\nnew\n<!-- /x --> b"
        );
        assert!(replace_between("a", "<!-- x -->", "<!-- /x -->", "new").is_err());
    }
}
