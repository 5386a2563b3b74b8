//! Finds the folder of the crate that ships the test streams and bakes it in as `MEDIA_STREAMS`.
//!
//! `cargo build` does not download a dependency that no target compiles, `cargo metadata` does. It is asked offline first,
//! so that nothing needs a network once the crate is there. `AVSLUICE_MEDIA` names an unpacked copy for machines with no registry.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const CRATE: &str = "cros-codecs";

fn main() -> ExitCode {
    println!("cargo::rerun-if-env-changed=AVSLUICE_MEDIA");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=Cargo.toml");
    match streams() {
        Ok(folder) => {
            // A registry that was emptied since must be filled again: a missing file makes cargo run this script.
            println!("cargo::rerun-if-changed={}", folder.join("Cargo.toml").display());
            println!("cargo::rustc-env=MEDIA_STREAMS={}", folder.display());
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of the unpacked crate.
fn streams() -> Result<PathBuf, String> {
    if let Some(folder) = env::var_os("AVSLUICE_MEDIA") {
        let folder = PathBuf::from(folder);
        return if has_streams(&folder) {
            Ok(folder)
        } else {
            Err(format!("AVSLUICE_MEDIA={} holds no {CRATE} crate (src/codec/h264/test_data)", folder.display()))
        };
    }
    metadata(true).or_else(|offline| {
        metadata(false).map_err(|online| {
            format!(
                "the test streams (crate {CRATE}) could not be fetched.\n  offline: {offline}\n  online: {online}\n\
                 Run `cargo fetch` with a network, or set AVSLUICE_MEDIA to an unpacked copy of the crate."
            )
        })
    })
}

/// Asks cargo for the crate's folder; without `offline` cargo downloads what is missing.
fn metadata(offline: bool) -> Result<PathBuf, String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest =
        Path::new(&env::var_os("CARGO_MANIFEST_DIR").ok_or("CARGO_MANIFEST_DIR is not set")?).join("Cargo.toml");
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version", "1", "--locked", "--manifest-path"]).arg(manifest);
    if offline {
        command.arg("--offline");
    }
    let output = command.output().map_err(|error| format!("cargo metadata did not start: {error}"))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(stderr.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; "));
    }
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let manifest = document["packages"]
        .as_array()
        .and_then(|packages| packages.iter().find(|package| package["name"] == CRATE))
        .and_then(|package| package["manifest_path"].as_str())
        .ok_or_else(|| format!("cargo metadata lists no {CRATE}"))?;
    let folder = Path::new(manifest).parent().map(Path::to_path_buf).unwrap_or_default();
    if has_streams(&folder) { Ok(folder) } else { Err(format!("{} has no test streams", folder.display())) }
}

fn has_streams(folder: &Path) -> bool {
    folder.join("src/codec/h264/test_data/test-25fps.h264").is_file()
}
