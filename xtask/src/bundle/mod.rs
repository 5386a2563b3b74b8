//! `cargo xtask bundle`: gpu-test, its runner and the decoding bench with the FFmpeg libraries and the stream that they need, in one archive,
//! for a GPU machine that has neither Rust nor FFmpeg.

mod closure;
mod manifest;

use crate::setup::packages::Purpose;
use crate::setup::{self, SetupArgs};
use crate::workspace;
use anyhow::{Context, Result, bail};
use clap::Args;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The options of `cargo xtask bundle`.
#[derive(Args, Debug)]
pub struct BundleArgs {
    #[command(flatten)]
    setup: SetupArgs,
    /// The archive to write [default: target/bundle/avsluice-gpu-ARCH.tar.xz]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Unpack it again and run it, on the simulated driver, with nothing of this environment
    #[arg(long = "try")]
    tried: bool,
    /// Compress less, which is quicker and larger
    #[arg(long)]
    fast: bool,
}

/// What it may be at most, compressed.
const MOST: u64 = 60 << 20;
/// The folder that the archive unpacks to.
const FOLDER: &str = "avsluice-gpu";
/// What runs it all there.
const RUN: &str = include_str!("run.sh");
const README: &str = include_str!("README.txt");

/// Builds, collects, packs.
pub fn run(args: &BundleArgs) -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("a bundle is made on Linux, for Linux");
    }
    setup::ensure(Purpose::Bundle, args.setup)?;
    let programs = programs()?;
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path().join(FOLDER);
    collect(&programs, &folder)?;
    let output = match &args.output {
        Some(path) => path.clone(),
        None => workspace::target_folder()?.join("bundle").join(format!("{FOLDER}-{}.tar.xz", std::env::consts::ARCH)),
    };
    let size = pack(scratch.path(), &output, args.fast)?;
    println!("{}: {:.1} MiB", output.display(), size as f64 / f64::from(1 << 20));
    if args.tried { try_out(&output) } else { Ok(()) }
}

/// Runs a bundle as its user would, in an empty folder and an empty environment. FFmpeg comes from the bundle, or the run fails.
fn try_out(archive: &Path) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let unpacked = Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(scratch.path()).status()?;
    if !unpacked.success() {
        bail!("{} cannot be unpacked", archive.display());
    }
    let folder = scratch.path().join(FOLDER);
    let clean = |program: &Path| {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/bin:/bin").current_dir(&folder);
        command
    };
    // What the loader finds, by its own word.
    let listing = clean(Path::new("ldd")).arg("bin/gpu-test").env("LD_LIBRARY_PATH", folder.join("lib")).output()?;
    let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
    let inside = folder.join("lib").display().to_string();
    let stray: Vec<_> = listing.lines().filter(|line| line.contains("libav") && !line.contains(&inside)).collect();
    if !listing.contains("libavcodec") || !stray.is_empty() {
        bail!("FFmpeg does not come from the bundle: {stray:?}");
    }
    let status =
        clean(&folder.join("run")).arg("--simulated").status().context("the bundle's run script did not start")?;
    if status.success() { Ok(()) } else { bail!("the bundle's own run failed: {status}") }
}

/// What goes into bin/: the checks, their runner, the bench; and the simulated drivers, by which it can be tried anywhere.
struct Programs {
    programs: Vec<PathBuf>,
    drivers: Vec<PathBuf>,
}

fn programs() -> Result<Programs> {
    let packages = [
        "gpu-test",
        "gpu-bench",
        "xtask",
        "simgpu-core",
        "simgpu-libcuda",
        "simgpu-libnvidia-encode",
        "simgpu-libnvcuvid",
    ];
    let mut build = workspace::cargo(&["build", "--release"]);
    for package in packages {
        build.args(["--package", package]);
    }
    let built = workspace::build(&mut build).context("the programs did not build")?;
    let of_kind = |kind: &str, name: &str| {
        built.iter().find(|program| program.kind == kind && program.name == name).map(|program| program.path.clone())
    };
    let program = |name: &str| of_kind("bin", name).with_context(|| format!("cargo built no {name}"));
    let programs = ["gpu-test", "gpu-bench", "xtask"].into_iter().map(program).collect::<Result<Vec<_>>>()?;
    // The drivers' libraries lie where the programs do.
    let beside = programs[0].parent().context("a program has a folder")?;
    let drivers = fs::read_dir(beside)?.filter_map(|entry| Some(entry.ok()?.path()));
    let drivers: Vec<_> = drivers.filter(|path| path.extension().is_some_and(|extension| extension == "so")).collect();
    if drivers.len() < 4 {
        bail!("the simulated drivers are not in {}", beside.display());
    }
    Ok(Programs { programs, drivers })
}

fn collect(programs: &Programs, folder: &Path) -> Result<()> {
    let (bin, lib, streams) = (folder.join("bin"), folder.join("lib"), folder.join("streams"));
    for path in [&bin, &lib, &streams] {
        fs::create_dir_all(path)?;
    }
    let mut libraries = BTreeSet::new();
    for program in &programs.programs {
        copy(program, &bin)?;
        libraries.extend(closure::of(program)?);
    }
    for library in &programs.drivers {
        copy(library, &lib)?;
        libraries.extend(closure::of(library)?);
    }
    for (name, path) in &libraries {
        // Under the name that programs ask for, whatever file it is a link to.
        fs::copy(path, lib.join(name)).with_context(|| path.display().to_string())?;
    }
    copy(&media::standard().path, &streams)?;
    fs::write(folder.join("run"), RUN)?;
    fs::set_permissions(folder.join("run"), fs::Permissions::from_mode(0o755))?;
    fs::write(folder.join("README.txt"), README)?;
    let newest = closure::newest_glibc(folder)?;
    fs::write(folder.join("GLIBC"), format!("{newest}\n"))?;
    fs::write(folder.join("MANIFEST"), manifest::of(folder)?)?;
    Ok(())
}

fn copy(file: &Path, folder: &Path) -> Result<()> {
    let name = file.file_name().context("a file has a name")?;
    fs::copy(file, folder.join(name)).with_context(|| file.display().to_string())?;
    Ok(())
}

/// Packs the folder; the archive has its name only when it is whole.
fn pack(parent: &Path, output: &Path, fast: bool) -> Result<u64> {
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let unfinished = tempfile::NamedTempFile::new_in(folder)?;
    let mut command = Command::new("tar");
    command.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0", "-cJf"]);
    command
        .arg(unfinished.path())
        .arg("-C")
        .arg(parent)
        .arg(FOLDER)
        .env("XZ_OPT", if fast { "-0 -T0" } else { "-6 -T0" });
    let status = command.output().context("tar did not start")?;
    if !status.status.success() {
        let words = String::from_utf8_lossy(&status.stderr).trim().to_owned();
        bail!("tar failed (are tar and xz installed?): {words}");
    }
    let size = fs::metadata(unfinished.path())?.len();
    if size > MOST && !fast {
        bail!(
            "the archive has {} MiB, more than the {} MiB that it may have: its largest files are in MANIFEST's order",
            size >> 20,
            MOST >> 20
        );
    }
    unfinished.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    unfinished.persist(output).with_context(|| format!("{} cannot be written", output.display()))?;
    Ok(size)
}
