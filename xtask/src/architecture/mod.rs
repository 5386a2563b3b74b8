//! `cargo xtask architecture`: reads which module names which, holds the floors, and draws docs/architecture.svg.

mod backends;
mod floors;
mod imports;
mod picture;
#[cfg(test)]
mod tests;

use crate::workspace;
use anyhow::{Context, Result, bail};
use clap::Args;
use imports::Imports;
use std::fs;
use std::path::Path;

/// The options of `cargo xtask architecture`.
#[derive(Args, Debug)]
pub struct ArchitectureArgs {
    /// Write nothing; fail if the picture is not what the imports say
    #[arg(long)]
    check: bool,
}

/// The picture, below the repository's root.
const PICTURE: &str = "docs/architecture.svg";

/// Runs it.
pub fn run(args: &ArchitectureArgs) -> Result<()> {
    let sources = workspace::root().join("src");
    let imports = imports::read(&sources)?;
    let wrong = wrong(&sources, &imports)?;
    wrong.iter().for_each(|line| println!("{line}"));
    if !wrong.is_empty() {
        bail!("{} places go against docs/architecture.md", wrong.len());
    }
    let (path, drawn) = (workspace::root().join(PICTURE), picture::draw(&imports));
    let is_current = fs::read_to_string(&path).is_ok_and(|committed| committed == drawn);
    if args.check && !is_current {
        bail!("{PICTURE} is not what the imports say: run `cargo xtask architecture`");
    }
    if !is_current {
        fs::write(&path, drawn).with_context(|| path.display().to_string())?;
        println!("{PICTURE} is written");
    }
    println!("{} modules name {} paths, and none above its floor", imports.files.len(), imports.all.len());
    Ok(())
}

/// Paths that go up, and backends that are named where no backend is.
fn wrong(sources: &Path, imports: &Imports) -> Result<Vec<String>> {
    let mut wrong: Vec<_> = floors::upward(imports)
        .into_iter()
        .map(|import| format!("src/{}:{}: {} lies above", import.file.display(), import.line, import.path))
        .collect();
    for file in imports.files.values().filter(|file| !backends::is_own(file, imports)) {
        for (line, name) in backends::named(&sources.join(file))? {
            wrong.push(format!("src/{}:{line}: {name} names a backend", file.display()));
        }
    }
    Ok(wrong)
}
