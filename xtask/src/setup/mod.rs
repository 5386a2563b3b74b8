//! The system packages that a command needs: all there, or named with the command that installs them, or installed.

mod detect;
pub mod host;
mod manager;
pub mod packages;

use anyhow::{Context, Result, bail};
use clap::Args;
use detect::Found;
use host::Host;
use packages::{Package, Purpose};
use std::ffi::OsStr;
use std::process::Stdio;

/// The options of every command that needs packages.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct SetupArgs {
    /// Install the system packages that are missing (apt-get, dnf, pacman or brew), printing each command it runs
    #[arg(long)]
    pub setup: bool,
    /// Print the commands that --setup would run, and run none
    #[arg(long, hide = true, requires = "setup")]
    pub dry_run: bool,
}

/// Makes sure of what `purpose` needs. What is missing is an error, with the command to run; with `--setup` it is installed.
pub fn ensure(purpose: Purpose, args: SetupArgs) -> Result<()> {
    ensure_on(&Host::this(), purpose, args)
}

/// The same on a machine that a test pretends.
pub fn ensure_on(host: &Host, purpose: Purpose, args: SetupArgs) -> Result<()> {
    let missing = missing(host, purpose);
    if missing.is_empty() {
        return Ok(());
    }
    let list = listing(&missing);
    let Some(manager) = manager::of(host) else {
        bail!("missing on this machine, which has no apt-get, dnf, pacman or brew to install it with:\n{list}");
    };
    let mut names: Vec<&str> = Vec::new();
    for (package, _) in &missing {
        let of_package = package.names(manager);
        if of_package.is_empty() {
            bail!("{} is missing: {}", package.title, manager::without_a_package(package.title));
        }
        names.extend(of_package.iter().filter(|name| !names.contains(name)).copied().collect::<Vec<_>>());
    }
    let steps = manager::install(host, manager, &names);
    let lines: Vec<String> = steps.iter().map(manager::Step::line).collect();
    if !args.setup {
        bail!("missing:\n{list}\nInstall with `--setup`, or:\n  {}", lines.join(" && "));
    }
    eprintln!("missing:\n{list}");
    for (step, line) in steps.iter().zip(&lines) {
        eprintln!("+ {line}");
        if !args.dry_run {
            run(host, step).with_context(|| format!("`{line}`"))?;
        }
    }
    if args.dry_run {
        bail!("--dry-run: nothing was installed");
    }
    let left = self::missing(host, purpose);
    if !left.is_empty() {
        bail!("installed, and still missing:\n{}", listing(&left));
    }
    Ok(())
}

/// What `purpose` needs and `host` has not, with the reason.
fn missing(host: &Host, purpose: Purpose) -> Vec<(&'static Package, String)> {
    let probed = purpose.packages().map(|package| (package, detect::probe(host, package.probe)));
    probed
        .filter_map(|(package, found)| match found {
            Found::Yes => None,
            Found::No(reason) => Some((package, reason)),
            Found::TooOld(reason) => Some((package, format!("too old: {reason}"))),
        })
        .collect()
}

fn listing(missing: &[(&Package, String)]) -> String {
    let row = |(package, reason): &(&Package, String)| format!("  {} ({}): {reason}", package.title, package.why);
    missing.iter().map(row).collect::<Vec<_>>().join("\n")
}

/// Runs one installing command. Its output goes to stderr: stdout belongs to the command that asked for the packages.
fn run(host: &Host, step: &manager::Step) -> Result<()> {
    let (program, arguments) = step.words.split_first().context("an empty command")?;
    let mut command = host.command(OsStr::new(program)).with_context(|| format!("{program} is not on PATH"))?;
    // Its prompt for a password reads the terminal, not this stdin.
    let status = command.args(arguments).stdin(Stdio::null()).stdout(std::io::stderr()).status()?;
    match status.success() {
        true => Ok(()),
        false if step.may_fail => {
            eprintln!("note: it failed ({status}); going on");
            Ok(())
        }
        false => bail!("it failed ({status})"),
    }
}

#[cfg(all(test, unix))]
mod tests;
