//! Builds the package `attack`, and what it needs.

use crate::memcheck::sanitizer;
use crate::workspace;
use anyhow::{Context, Result};
use std::path::PathBuf;

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

/// Without, for Valgrind, which does not run with it.
pub fn without_sanitizer() -> Result<Programs> {
    let preload = preload()?;
    built(workspace::cargo(&["build", "--package", "attack"]), preload)
}

fn built(mut command: std::process::Command, preload: PathBuf) -> Result<Programs> {
    let programs = workspace::build(&mut command).context("the package attack did not build")?;
    let program = programs.into_iter().find(|program| program.name == "attack" && program.kind == "bin");
    Ok(Programs { program: program.context("cargo built no program `attack`")?.path, preload })
}

fn preload() -> Result<PathBuf> {
    workspace::build(&mut workspace::cargo(&["build", "--package", "simgpu-drm"]))
        .context("the simulated drivers did not build")?;
    Ok(workspace::target_folder()?.join("debug/deps/libsimgpu_drm.so"))
}
