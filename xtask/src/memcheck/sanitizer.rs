//! How cargo builds with AddressSanitizer: the same for `memcheck` and `attack`, so that both use what the other has built.

use crate::workspace;
use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;

/// AddressSanitizer is stable in rustc but for the flag's name. Only the target is instrumented, never a build script; line
/// tables are all that its reports need. With `avsluice_canaries` the library puts the memory that it lends to FFmpeg before a page
/// that nobody may touch, because Debian's FFmpeg is not instrumented.
const VARIABLES: &[(&str, &str)] = &[
    ("RUSTC_BOOTSTRAP", "1"),
    ("RUSTFLAGS", "-Zsanitizer=address --cfg avsluice_canaries"),
    ("CARGO_PROFILE_DEV_DEBUG", "line-tables-only"),
];

/// Lets a cargo command build with AddressSanitizer, in a target folder of its own, so that these flags rebuild nothing of the normal
/// builds.
pub fn set_up(command: &mut Command) -> Result<()> {
    set_up_in(command, &workspace::target_folder()?.join("asan"))
}

/// The same with that target folder.
pub fn set_up_in(command: &mut Command, target: &Path) -> Result<()> {
    command.args(["--target", &host_triple()?]).arg("--target-dir").arg(target).envs(VARIABLES.iter().copied());
    Ok(())
}

/// The compiler's own target, for `--target`, which keeps the flags away from build scripts.
fn host_triple() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").current_dir(workspace::root()).output().context("rustc")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    Ok(host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_a_target_triple() {
        assert!(host_triple().unwrap().split('-').count() >= 3);
    }
}
