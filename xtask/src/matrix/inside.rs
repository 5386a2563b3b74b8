//! Commands in a root: this machine's Rust toolchain, its crates and the project mounted read-only, a target folder to write to.
//!
//! Mounts and processes live in namespaces of their own, which end with the command: nothing is left to clean up, and nothing
//! mounted here is ever seen by the machine.

use crate::child::{self, Finished, Line};
use crate::setup::host::Host;
use anyhow::{Context, Result, bail};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The folders that things are mounted on in a root.
pub const MOUNT_POINTS: &[&str] = &["/opt/rust", "/opt/cargo", "/src", "/target", "/proc", "/dev", "/tmp"];
/// Where the root sees its target folder.
pub const TARGET: &str = "/target";

/// The root itself is read-only, so that it stays as it was made. The shell stays as the first process: it is the one that
/// collects orphans, which the tests of killed programs wait for.
const MOUNT: &str = r#"
set -eu
root=$1 toolchain=$2 cargo=$3 project=$4 target=$5
shift 5
reading() { mount --bind "$1" "$2" && mount -o remount,bind,ro "$2"; }
reading "$root" "$root"
reading "$toolchain" "$root/opt/rust"
reading "$cargo" "$root/opt/cargo"
reading "$project" "$root/src"
mount --bind "$target" "$root/target"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
chroot "$root" env --chdir=/src "$@" || exit $?
"#;

/// The environment in a root.
const VARIABLES: &[(&str, &str)] = &[
    // The first folder is the root's alone; the others are good for unshare and mount too.
    ("PATH", "/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("HOME", "/tmp"),
    ("LANG", "C.UTF-8"),
    ("CARGO_HOME", "/opt/cargo"),
    ("CARGO_TARGET_DIR", TARGET),
    ("CARGO_NET_OFFLINE", "true"),
    // What is said is read.
    ("CARGO_TERM_COLOR", "never"),
    // A wrapper that the user's configuration names is not there.
    ("RUSTC_WRAPPER", ""),
];
/// What of this machine's environment is passed on.
const PASSED_ON: &[&str] =
    &["CI", "TERM", "CARGO_INCREMENTAL", "CARGO_BUILD_JOBS", "RUST_BACKTRACE", "RUST_TEST_THREADS"];
/// The same, of all that begin so.
const PROFILES: &str = "CARGO_PROFILE_";

/// A command that runs the program and arguments added to it in namespaces of its own. Killing it kills them all, and takes the
/// mounts away.
pub fn apart(host: &Host) -> Result<Command> {
    let mut command = host.command(OsStr::new("unshare")).context("unshare is not on PATH")?;
    command.args(["--mount", "--propagation=private", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    Ok(command)
}

/// The Rust toolchain of this machine.
#[derive(Debug)]
pub struct Toolchain {
    /// Its folder, with bin and lib.
    pub sysroot: PathBuf,
    /// cargo's folder, with the crates that are fetched.
    pub cargo_home: PathBuf,
}

impl Toolchain {
    /// The one that runs us.
    pub fn of(host: &Host, project: &Path) -> Result<Self> {
        let mut rustc = host.command(OsStr::new("rustc")).context("rustc is not on PATH")?;
        let output = rustc.args(["--print", "sysroot"]).current_dir(project).output().context("rustc")?;
        let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        if !sysroot.join("bin/cargo").is_file() {
            bail!("rustc's folder {} has no bin/cargo: a toolchain of rustup is needed", sysroot.display());
        }
        let home = || host.variable("HOME").map(|home| Path::new(home).join(".cargo"));
        let cargo_home = host.variable("CARGO_HOME").map(PathBuf::from).or_else(home).context("HOME is not set")?;
        Ok(Self { sysroot, cargo_home })
    }

    /// Fetches the crates that Cargo.lock names: no root has a network connection of cargo's.
    pub fn fetch(&self, host: &Host, project: &Path) -> Result<()> {
        let cargo = host.variable("CARGO").unwrap_or(OsStr::new("cargo"));
        let mut command = host.command(cargo).context("cargo is not on PATH")?;
        let status = command.args(["fetch", "--locked"]).current_dir(project).status().context("cargo fetch")?;
        if status.success() { Ok(()) } else { bail!("`cargo fetch --locked` failed ({status})") }
    }
}

/// A root, and what is mounted in it.
pub struct Inside<'a> {
    /// The machine.
    pub host: &'a Host,
    /// The root.
    pub root: &'a Path,
    /// The compiler.
    pub toolchain: &'a Toolchain,
    /// The checkout.
    pub project: &'a Path,
    /// The target folder, on this machine.
    pub target: &'a Path,
}

impl Inside<'_> {
    /// Runs a command in the root, in the project's folder.
    pub fn run(&self, words: &[&str], limit: Duration, on_line: impl FnMut(Line<'_>) -> bool) -> Result<Finished> {
        let mut command = apart(self.host)?;
        command.args(["sh", "-c", MOUNT, "matrix"]);
        command.args([self.root, &self.toolchain.sysroot, &self.toolchain.cargo_home, self.project, self.target]);
        command.args(words).env_clear().envs(variables(self.host));
        child::run_and_read(&mut command, limit, on_line).context("unshare did not start")
    }
}

fn variables(host: &Host) -> Vec<(OsString, OsString)> {
    let passed_on = host.variables.iter().filter(|(name, _)| {
        let name = name.to_string_lossy();
        PASSED_ON.contains(&&*name) || name.starts_with(PROFILES)
    });
    let fixed = VARIABLES.iter().map(|(name, value)| (name.into(), value.into()));
    passed_on.map(|(name, value)| (name.clone(), value.clone())).chain(fixed).collect()
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::super::setup::host::pretended;
    use super::*;
    use std::fs;

    #[test]
    fn only_what_the_build_heeds_is_passed_on() {
        let (mut host, _folder) = pretended::empty();
        for name in ["CARGO_INCREMENTAL", "CARGO_PROFILE_DEV_DEBUG", "CARGO_MANIFEST_DIR", "FFMPEG_DIR", "CARGO_HOME"] {
            host.set(name, "0");
        }
        let variables = variables(&host);
        let value =
            |name: &str| variables.iter().find(|(other, _)| other == name).map(|(_, value)| value.to_str().unwrap());
        assert_eq!((value("CARGO_INCREMENTAL"), value("CARGO_PROFILE_DEV_DEBUG")), (Some("0"), Some("0")));
        assert_eq!((value("CARGO_MANIFEST_DIR"), value("FFMPEG_DIR")), (None, None));
        assert_eq!(value("CARGO_HOME"), Some("/opt/cargo"));
        assert!(value("PATH").unwrap().starts_with("/opt/rust/bin:"));
    }

    #[test]
    fn a_compiler_without_cargo_beside_it_is_refused() {
        let (mut host, folder) = pretended::empty();
        host.set("HOME", "/home/somebody");
        host.add_program("rustc", &format!("echo {}/toolchain", folder.path().display()));
        let error = Toolchain::of(&host, folder.path()).unwrap_err().to_string();
        assert!(error.contains("a toolchain of rustup is needed"), "{error}");
        fs::create_dir_all(folder.path().join("toolchain/bin")).unwrap();
        fs::write(folder.path().join("toolchain/bin/cargo"), "").unwrap();
        let toolchain = Toolchain::of(&host, folder.path()).unwrap();
        assert_eq!(toolchain.cargo_home, Path::new("/home/somebody/.cargo"));
        host.set("CARGO_HOME", "/cargo");
        assert_eq!(Toolchain::of(&host, folder.path()).unwrap().cargo_home, Path::new("/cargo"));
    }
}
