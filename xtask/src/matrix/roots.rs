//! The root file systems: made by mmdebstrap out of a Debian release, kept in a cache folder.
//!
//! A root is made under another name and renamed when it is complete. In it lies the recipe that it was made by; a root with
//! another recipe, or with none, is made anew.

use super::inside;
use super::release::Release;
use crate::child::{self, Ending};
use crate::interrupt;
use crate::setup::host::Host;
use crate::setup::packages::{DEBIAN_KEYRING, Manager, Purpose};
use anyhow::{Context, Result, bail};
use std::env::consts::ARCH;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// A root that takes longer, some hundred MB to fetch and to unpack, never comes.
const LIMIT: Duration = Duration::from_secs(30 * 60);
/// The file in a root that says how it was made.
const RECIPE: &str = ".avsluice-matrix";

/// What mmdebstrap is told of every root: no more than the packages need, and none of what no test reads. A mirror that stands still
/// has expired lists of a suite that moves; their signatures are checked all the same.
const OPTIONS: &[&str] = &[
    "--mode=root",
    "--format=directory",
    "--variant=essential",
    r#"--aptopt=APT::Install-Recommends "false""#,
    r#"--aptopt=Acquire::Languages "none""#,
    r#"--aptopt=Acquire::Check-Valid-Until "false""#,
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    // libclang and FFmpeg are linked as shared libraries; their static ones are half a GB.
    "--dpkgopt=path-exclude=/usr/lib/llvm-*.a",
    "--dpkgopt=path-exclude=/usr/lib/*/libav*.a",
    "--dpkgopt=path-exclude=/usr/lib/*/libsw*.a",
];

/// The roots of this machine.
pub struct Roots<'a> {
    /// The machine.
    pub host: &'a Host,
    /// The folder that they lie in.
    pub folder: &'a Path,
    /// The Debian mirror that they are made from.
    pub mirror: String,
    /// apt's configuration of proxies.
    pub proxies: Vec<String>,
}

/// What is in the cache.
#[derive(Debug, PartialEq, Eq)]
enum Cached {
    /// Nothing, or something else.
    No,
    /// The root, made that long ago.
    Yes(Duration),
}

impl Roots<'_> {
    /// The root of that release: the cached one, or a new one. A moving release's root is made anew when it is old; when that
    /// fails, the old one serves, and this is said.
    pub fn root(&self, release: &Release, refresh: bool) -> Result<PathBuf> {
        let root = self.folder.join(release.suite);
        let recipe = recipe(release);
        match cached(&root, &recipe)? {
            Cached::Yes(_) if refresh => self.make(release, &root, &recipe)?,
            Cached::Yes(age) if release.longest_kept.is_some_and(|longest| age > longest) => {
                let days = age.as_secs() / (24 * 60 * 60);
                println!("the root of Debian {} is {days} days old", release.suite);
                if let Err(error) = self.make(release, &root, &recipe) {
                    if interrupt::came() {
                        return Err(error);
                    }
                    eprintln!("note: {error:#}\nnote: going on with the root that is {days} days old");
                }
            }
            Cached::Yes(_) => {}
            Cached::No => self.make(release, &root, &recipe)?,
        }
        Ok(root)
    }

    /// Makes the root, and puts it in the place of the one that is there.
    fn make(&self, release: &Release, root: &Path, recipe: &str) -> Result<()> {
        let Self { host, folder, mirror, proxies } = self;
        println!("making a root of Debian {} in {} from {mirror}", release.suite, folder.display());
        let started = Instant::now();
        let [part, old] = ["part", "old"].map(|extension| root.with_extension(extension));
        // What an interrupted run left.
        [&part, &old].into_iter().try_for_each(|path| remove(path))?;
        let mut command = inside::apart(host)?;
        command.arg("mmdebstrap").args(OPTIONS).args(proxies.iter().map(|line| format!("--aptopt={line}")));
        command.arg(format!("--include={}", packages().join(",")));
        command.arg(release.suite).arg(&part);
        command.arg(format!("deb [signed-by={DEBIAN_KEYRING}] {mirror} {} main", release.suite));
        let finished = child::run(&mut command, LIMIT, |_| false).context("unshare did not start")?;
        if finished.ending != Ending::Exited(0) {
            // Half a root is of no use, and as large as a whole one.
            remove(&part)?;
            if interrupt::came() {
                bail!("interrupted");
            }
            bail!(
                "the root of Debian {} could not be made from {mirror} ({}){}\n  {}",
                release.suite,
                finished.ending,
                remedy(&finished.log, folder),
                finished.log.join("\n  ")
            );
        }
        for folder in inside::MOUNT_POINTS {
            fs::create_dir_all(part.join(folder.trim_start_matches('/')))?;
        }
        fs::write(part.join(RECIPE), recipe)?;
        if root.exists() {
            fs::rename(root, &old)?;
        }
        fs::rename(&part, root)?;
        remove(&old)?;
        println!("made in {:.0} s", started.elapsed().as_secs_f64());
        Ok(())
    }
}

/// The packages of a root: what the tests need on Debian, from the one table of them.
fn packages() -> Vec<&'static str> {
    let mut names = Vec::new();
    for name in Purpose::Test.packages().flat_map(|package| package.names(Manager::Apt)) {
        if !names.contains(name) {
            names.push(*name);
        }
    }
    names
}

/// All that a root depends on but the mirror: two roots with one recipe differ in the packages' versions alone.
fn recipe(release: &Release) -> String {
    format!("Debian {} for {ARCH}\n{}\n{}\n", release.suite, OPTIONS.join("\n"), packages().join(" "))
}

fn cached(root: &Path, recipe: &str) -> Result<Cached> {
    let path = root.join(RECIPE);
    if !fs::read_to_string(&path).is_ok_and(|text| text == recipe) {
        return Ok(Cached::No);
    }
    let made = fs::metadata(&path)?.modified()?;
    // A clock that was set back makes it new.
    Ok(Cached::Yes(SystemTime::now().duration_since(made).unwrap_or_default()))
}

fn remove(path: &Path) -> Result<()> {
    match path.exists() {
        true => fs::remove_dir_all(path).with_context(|| format!("{} cannot be removed", path.display())),
        false => Ok(()),
    }
}

/// What can be done about that failure.
fn remedy(log: &[String], folder: &Path) -> String {
    let says = |words: &[&str]| log.iter().any(|line| words.iter().any(|word| line.contains(word)));
    if says(&["No space left on device"]) {
        let folder = folder.display();
        return format!(": no space is left in {folder}; a root takes 1.5 GB, and XDG_CACHE_HOME names another place");
    }
    if says(&["NO_PUBKEY", "EXPKEYSIG", "is not signed", "couldn't be verified"]) {
        return format!(": the keys of {DEBIAN_KEYRING} do not fit; update the package debian-archive-keyring");
    }
    if says(&["resol", "connect", "Failed to fetch", "timed out", "does not have a Release file", "404"]) {
        return ": is that mirror reachable from here, and does it have the suite? `--mirror URL` names another".into();
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::super::release::RELEASES;
    use super::*;
    use tempfile::TempDir;

    #[test]
    fn a_root_has_the_packages_that_the_tests_need() {
        let names = packages();
        for name in ["gcc", "libavcodec-dev", "libclang-dev", "ffmpeg"] {
            assert_eq!(names.iter().filter(|other| **other == name).count(), 1, "{names:?}");
        }
        assert!(!names.contains(&"valgrind") && !names.contains(&"mmdebstrap"), "{names:?}");
    }

    #[test]
    fn a_root_of_another_recipe_is_none() {
        let folder = TempDir::new().unwrap();
        let [old, new] = [&RELEASES[0], &RELEASES[1]].map(recipe);
        assert_ne!(old, new, "the suite belongs to the recipe");
        assert_eq!(cached(folder.path(), &new).unwrap(), Cached::No);
        fs::write(folder.path().join(RECIPE), &old).unwrap();
        assert_eq!(cached(folder.path(), &new).unwrap(), Cached::No);
        fs::write(folder.path().join(RECIPE), &new).unwrap();
        assert!(matches!(cached(folder.path(), &new).unwrap(), Cached::Yes(age) if age < Duration::from_secs(3600)));
    }

    #[test]
    fn each_failure_has_its_remedy() {
        let remedy = |line: &str| remedy(&["I: running apt-get update...".into(), line.into()], Path::new("/cache"));
        for (line, text) in [
            ("dpkg-deb: error: No space left on device", "no space is left in /cache"),
            ("W: GPG error: NO_PUBKEY 0E98404D386FA1D9", "update the package debian-archive-keyring"),
            ("E: Failed to fetch http://a/dists  Could not resolve 'a'", "`--mirror URL` names another"),
            ("E: The repository 'http://a sid Release' does not have a Release file.", "does it have the suite?"),
        ] {
            assert!(remedy(line).contains(text), "{line}: {}", remedy(line));
        }
        assert_eq!(remedy("E: a package is broken"), "");
    }
}
