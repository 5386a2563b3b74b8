//! `--without`: the attack on a copy of the sources in which one guard of the library is missing. What it then finds,
//! and finds nothing of with the guard, is what the guard stops.

use super::batch::{self, Setting};
use super::guards::{GUARDS, Guard};
use super::judge::Finding;
use super::known::Known;
use super::{AttackArgs, Search, attack, build};
use crate::{interrupt, workspace};
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, io};

/// How long a guard's absence is searched for, unless it is said.
const SECONDS: u64 = 1800;

/// The guards of that name: all of them for `all`.
pub fn guards(name: &str) -> Result<Vec<&'static Guard>> {
    let chosen: Vec<_> = GUARDS.iter().filter(|guard| name == "all" || guard.name == name).collect();
    if chosen.is_empty() {
        let names: Vec<_> = GUARDS.iter().map(|guard| format!("  {:16} {}", guard.name, guard.stops)).collect();
        bail!("there is no guard `{name}`. Those that can be left out, `all` for each in turn:\n{}", names.join("\n"));
    }
    Ok(chosen)
}

/// Searches without each of them in turn.
pub fn run(guards: &[&'static Guard], args: &AttackArgs, whole: &Setting) -> Result<()> {
    let mut lines = Vec::new();
    let mut missed = Vec::new();
    for guard in guards {
        if interrupt::came() {
            break;
        }
        let found = one(guard, args, whole).with_context(|| format!("without {}", guard.name))?;
        let line = match &found {
            Some((seconds, finding)) => {
                format!("{:16} {seconds:6.1} s  {}", guard.name, finding.line(&format!("--without {}", guard.name)))
            }
            None => format!("{:16} nothing found; {}::{} fails without it", guard.name, guard.test.0, guard.test.1),
        };
        println!("{line}");
        lines.push(line);
        if found.is_none() {
            missed.push(guard.name);
        }
    }
    if guards.len() > 1 {
        println!("\n{}", lines.join("\n"));
    }
    ensure!(missed.is_empty(), "nothing was found without {}", missed.join(", "));
    Ok(())
}

/// The seconds until the first finding that there is without the guard and not with it, and the finding.
fn one(guard: &Guard, args: &AttackArgs, whole: &Setting) -> Result<Option<(f64, Finding)>> {
    println!("without {}: {}", guard.name, guard.stops);
    let folder = workspace::target_folder()?.join("attack-without");
    let tree = folder.join("tree");
    copy(guard, &tree)?;
    let program = build::program_of(&tree, &folder.join("target"))?;
    let setting = Setting { program, ..whole.clone() };
    let started = Instant::now();
    let deadline = Some(started + Duration::from_secs(args.seconds.unwrap_or(SECONDS)));
    // Not by chance: it shows again without the guard, in one of three runs, for threads may miss each other; and not with it, in two.
    let is_new = |finding: &Finding| Ok(shows(&setting, finding, 3)? && !shows(whole, finding, 2)?);
    let search = Search { range: args.range(true), deadline, twice: args.twice, until: Some(&is_new) };
    let known = Known::read(&workspace::root().join("tools/attack/known.txt"))?;
    let tally = attack(&setting, search, known)?;
    println!("  {} programs in {:.1} s", tally.programs, started.elapsed().as_secs_f64());
    Ok(tally.wanted.map(|(time, finding)| (time.as_secs_f64(), finding)))
}

/// Whether the finding shows in so many runs of its programs.
fn shows(setting: &Setting, finding: &Finding, runs: u32) -> Result<bool> {
    for _ in 0..runs {
        let mut found = batch::run(setting, finding.programs.clone(), None)?;
        if finding.kind == "difference" {
            let more = batch::differences(setting, &found, finding.programs.clone())?;
            found.findings.extend(more.findings);
        }
        if found.findings.iter().any(|other| other.signature() == finding.signature()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Copies the checkout's files as they are now, and changes what the guard says. A file that is as it is to be is not
/// written again, so that cargo builds only what has changed since.
fn copy(guard: &Guard, tree: &Path) -> Result<()> {
    let root = workspace::root();
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").args(list).current_dir(root).output().context("git")?;
    ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout)?;
    let mut due = BTreeSet::new();
    for name in names.split('\0').filter(|name| !name.is_empty()) {
        let mut bytes = match fs::read(root.join(name)) {
            Ok(bytes) => bytes,
            // It was deleted, and that is not committed yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error).context(name.to_owned()),
        };
        for change in guard.changes.iter().filter(|change| change.file == name) {
            let text = String::from_utf8(bytes)?;
            ensure!(text.matches(change.find).count() == 1, "{name} does not have this text once: {}", change.find);
            bytes = text.replacen(change.find, change.replace, 1).into_bytes();
        }
        let path = tree.join(name);
        if fs::read(&path).ok().as_ref() != Some(&bytes) {
            fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
            fs::write(&path, bytes).with_context(|| path.display().to_string())?;
        }
        due.insert(path);
    }
    remove_others(tree, &due)
}

/// What is no longer in the checkout: a module would be found twice.
fn remove_others(folder: &Path, due: &BTreeSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(&path, due)?;
        } else if !due.contains(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}
