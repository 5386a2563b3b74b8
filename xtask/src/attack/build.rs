//! Builds the package `attack`, and what it needs.

use crate::memcheck::sanitizer;
use crate::workspace;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is run.
pub struct Programs {
    pub program: PathBuf,
    /// The shim that the loader puts before everything: never instrumented, for it is loaded into the sanitizer's helpers too.
    pub preload: PathBuf,
}

/// With AddressSanitizer, in the folder that memcheck uses, so that what both need is built once.
pub fn programs() -> Result<Programs> {
    let mut command = workspace::cargo(&["build", "--package", "attack"]);
    sanitizer::set_up(&mut command)?;
    built(command, preload()?)
}

/// The program of another tree, with AddressSanitizer and a target folder of its own.
pub fn program_of(tree: &Path, target: &Path) -> Result<PathBuf> {
    let mut command = workspace::cargo(&["build", "--package", "attack"]);
    command.current_dir(tree);
    sanitizer::set_up_in(&mut command, target)?;
    program(&mut command)
}

/// Without, for Valgrind, which does not run with it.
pub fn without_sanitizer() -> Result<Programs> {
    let preload = preload()?;
    built(workspace::cargo(&["build", "--package", "attack"]), preload)
}

fn built(mut command: Command, preload: PathBuf) -> Result<Programs> {
    Ok(Programs { program: program(&mut command)?, preload })
}

fn program(command: &mut Command) -> Result<PathBuf> {
    let programs = workspace::build(command).context("the package attack did not build")?;
    let program = programs.into_iter().find(|program| program.name == "attack" && program.kind == "bin");
    Ok(program.context("cargo built no program `attack`")?.path)
}

fn preload() -> Result<PathBuf> {
    workspace::build(&mut workspace::cargo(&["build", "--package", "simgpu-drm"]))
        .context("the simulated drivers did not build")?;
    Ok(workspace::target_folder()?.join("debug/deps/libsimgpu_drm.so"))
}
