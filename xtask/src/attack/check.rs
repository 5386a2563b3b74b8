//! `--check`: that defects on purpose are found, that the line of a finding shows it again, and that a seed always makes the same programs.
//!
//! An attack that finds nothing says little otherwise.

use super::batch::{self, Setting};
use super::judge::Finding;
use anyhow::{Result, ensure};

/// Families of the package's `plant.rs`, and the kind of finding that each is.
const PLANTED: &[(&str, &str)] = &[
    ("planted-crash", "crash"),
    ("planted-leak", "leak"),
    ("planted-descriptor", "descriptors"),
    ("planted-panic", "panic"),
    ("planted-hang", "hang"),
    ("planted-spin", "hang"),
];

/// Runs them.
pub fn run(setting: &Setting) -> Result<()> {
    for (family, kind) in PLANTED {
        let setting = Setting { family: Some((*family).to_owned()), cpu_s: 5.0, ..setting.clone() };
        // A hang costs its time for each program.
        let programs = if *kind == "hang" { 0..1 } else { 0..8 };
        let found = batch::run(&setting, programs, None)?.findings;
        let first = found.iter().find(|finding| finding.kind == *kind);
        ensure!(first.is_some(), "the defect {family} was not found as {kind}, but: {found:?}");
        if let (Some(first), false) = (first, *kind == "hang") {
            again(&setting, first)?;
        }
    }
    noise(setting)?;
    same(setting)?;
    println!("the planted defects were found, and the same seed makes the same programs");
    Ok(())
}

/// The line that a finding prints shows it again.
fn again(setting: &Setting, finding: &Finding) -> Result<()> {
    let second = batch::run(&Setting { exact: true, ..setting.clone() }, finding.programs.clone(), None)?.findings;
    let shows = second.iter().any(|second| second.kind == finding.kind && second.programs == finding.programs);
    ensure!(shows, "`{finding}` does not show it again, but: {second:?}");
    Ok(())
}

/// Uninitialised memory that comes out is told from what differs by itself.
fn noise(setting: &Setting) -> Result<()> {
    let of = |family: &str| Setting { family: Some(family.to_owned()), ..setting.clone() };
    let differences = |family: &str| -> Result<usize> {
        let setting = of(family);
        let first = batch::run(&setting, 0..3, None)?;
        Ok(batch::differences(&setting, &first, 0..3)?.findings.len())
    };
    let (other, fresh) = (differences("planted-noise")?, differences("planted-fresh")?);
    ensure!(other == 0, "{other} programs whose output differs by itself are findings");
    ensure!(fresh == 3, "{fresh} of 3 programs whose output depends on fresh memory are findings");
    Ok(())
}

/// What the programs say of themselves is the same each time, but for threads, which say it in any order.
fn same(setting: &Setting) -> Result<()> {
    let (first, second) = (batch::run(setting, 0..20, None)?, batch::run(setting, 0..20, None)?);
    ensure!(first.scripts.len() >= 10, "only {} of 20 programs came to their end", first.scripts.len());
    for (number, (family, script)) in &first.scripts {
        let other = second.scripts.get(number).map(|(_, script)| script);
        ensure!(
            family == "threads" || other == Some(script),
            "program {number} ({family}) is another one:\n{script:?}\n{other:?}"
        );
    }
    Ok(())
}
