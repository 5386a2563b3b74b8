//! `cargo xtask matrix`: every test and gpu-test against each FFmpeg version that is supported.
//!
//! Each version is that of a Debian release, in a root file system of its own: `release` (which), `sources` (from where), `roots` (made
//! and cached), `inside` (commands in one), `suite` (what is run there), `build` (what cargo said), `table` (what came of it).

mod build;
mod deb822;
mod inside;
mod release;
mod roots;
mod sources;
mod suite;
mod table;
#[cfg(all(test, unix))]
mod tests;

use crate::interrupt;
use crate::setup::host::Host;
use crate::setup::packages::Purpose;
use crate::setup::{self, SetupArgs};
use crate::workspace;
use anyhow::{Context, Result, bail};
use clap::Args;
use inside::{Inside, Toolchain};
use release::{Found, Release};
use roots::Roots;
use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use suite::{Outcome, What};

/// The options of `cargo xtask matrix`.
#[derive(Args, Debug)]
pub struct MatrixArgs {
    /// The FFmpeg versions: 5.1 (of Debian bookworm), 7.1 (trixie), 9.0 or newer (sid, which moves)
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "5.1,7.1,9.0", value_parser = release::named)]
    versions: Vec<&'static Release>,
    /// AddressSanitizer and LeakSanitizer (`cargo xtask memcheck --asan-only`) instead of the tests and gpu-test
    #[arg(long)]
    memcheck: bool,
    /// Make the root file systems anew, with the packages that the mirror has now
    #[arg(long)]
    refresh: bool,
    /// The Debian mirror to make them from, instead of the one that this machine's apt uses
    #[arg(long, value_name = "URL")]
    mirror: Option<String>,
    #[command(flatten)]
    setup: SetupArgs,
}

/// Where everything is on this machine.
struct Site {
    host: Host,
    project: PathBuf,
    /// The roots.
    cache: PathBuf,
    /// The target folders.
    target: PathBuf,
}

/// Runs everything on each version, and prints the table. All versions run even when one fails.
pub fn run(args: &MatrixArgs) -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("matrix runs on Linux alone, on Debian or Ubuntu");
    }
    let host = Host::this();
    check_root(&host)?;
    let cache = cache(&host)?;
    let target = workspace::target_folder()?.join("matrix");
    let (passed, report) = run_at(&Site { host, project: workspace::root().to_owned(), cache, target }, args)?;
    println!("\nFFmpeg versions\n{report}");
    if passed { Ok(()) } else { bail!("not every version passed") }
}

fn run_at(site: &Site, args: &MatrixArgs) -> Result<(bool, String)> {
    let Site { host, project, cache, target } = site;
    if host.program(OsStr::new("apt-get")).is_none() {
        bail!("matrix makes its roots with apt: it runs on Debian and Ubuntu");
    }
    setup::ensure_on(host, Purpose::Matrix, args.setup)?;
    let toolchain = Toolchain::of(host, project)?;
    toolchain.fetch(host, project)?;
    fs::create_dir_all(cache).with_context(|| format!("the cache folder {}", cache.display()))?;
    let _lock = lock(&cache.join("lock"))?;
    let mirror = args.mirror.clone().or_else(|| sources::mirror(host)).unwrap_or(sources::DEFAULT_MIRROR.into());
    let roots = Roots { host, folder: cache, mirror, proxies: sources::proxies(host) };
    let what = if args.memcheck { What::Memcheck } else { What::Suite };
    let mut rows: Vec<(&Release, Outcome)> = Vec::new();
    for release in &args.versions {
        if rows.iter().any(|(other, _)| other == release) {
            continue;
        }
        println!("\n== {}", release.title());
        let outcome = version(site, &roots, &toolchain, release, &target.join(release.version), args.refresh, what);
        if interrupt::came() {
            bail!("interrupted");
        }
        let outcome = outcome.unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            let first = format!("{error:#}").lines().next().unwrap_or_default().to_owned();
            Outcome { problems: vec![first], ..Outcome::default() }
        });
        rows.push((release, outcome));
    }
    Ok((rows.iter().all(|(_, outcome)| outcome.problems.is_empty()), table::render(&rows)))
}

/// One version: its root, then everything in it.
fn version(
    site: &Site,
    roots: &Roots<'_>,
    toolchain: &Toolchain,
    release: &Release,
    target: &Path,
    refresh: bool,
    what: What,
) -> Result<Outcome> {
    let root = roots.root(release, refresh)?;
    let found = Found::in_root(&root)?;
    println!("Debian {} has FFmpeg {} with libavcodec {}", release.suite, found.ffmpeg, found.libavcodec);
    release.check(&found)?;
    fs::create_dir_all(target)?;
    suite::run(&Inside { host: &site.host, root: &root, toolchain, project: &site.project, target }, found, what)
}

/// Making devices and mounts is for root alone. The command to type runs this program as it is, so that root builds nothing in
/// the user's folders but what lies in `target/matrix`.
fn check_root(host: &Host) -> Result<()> {
    if host.superuser {
        return Ok(());
    }
    let program = env::current_exe().unwrap_or_else(|_| "xtask".into());
    let arguments: Vec<_> = env::args().skip(1).collect();
    bail!(
        "matrix makes root file systems and mounts in them, which needs root. Run:\n  sudo env \"PATH=$PATH\" \"HOME=$HOME\" {} {}",
        program.display(),
        arguments.join(" ")
    )
}

/// The cache folder of this user for the roots.
fn cache(host: &Host) -> Result<PathBuf> {
    let named = host.variable("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || host.variable("HOME").map(|home| Path::new(home).join(".cache"));
    let folder = named.or_else(home).context("neither XDG_CACHE_HOME nor HOME says where the roots are kept")?;
    Ok(folder.join("avsluice-matrix"))
}

/// Waits until no other run uses the roots; until the file is closed, none will.
#[cfg(unix)]
fn lock(path: &Path) -> Result<nix::fcntl::Flock<File>> {
    use nix::fcntl::{Flock, FlockArg};
    let file = File::create(path).with_context(|| path.display().to_string())?;
    let file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => return Ok(lock),
        Err((file, _)) => file,
    };
    eprintln!("note: waiting for another `cargo xtask matrix` to end");
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, error)| error).context("the cache cannot be locked")
}

#[cfg(not(unix))]
fn lock(path: &Path) -> Result<File> {
    Ok(File::create(path)?)
}
