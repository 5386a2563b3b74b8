//! Where FFmpeg is, and which FFmpeg it is.

use crate::explain::Problem;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::{env, fmt, fs};

/// What is linked, in link order. libavcodec comes first because its version is FFmpeg's minimum below.
pub const LIBRARIES: [&str; 3] = ["avcodec", "avformat", "avutil"];

/// libavcodec of FFmpeg 5.1, the oldest supported.
const MINIMUM: Version = Version { major: 59, minor: 37, micro: 0 };

/// A library's version, as its headers give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
    pub micro: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.micro)
    }
}

/// The FFmpeg that the crate is built against.
#[derive(Debug)]
pub struct Ffmpeg {
    pub include_paths: Vec<PathBuf>,
    /// One for each of [`LIBRARIES`].
    pub versions: Vec<Version>,
}

/// Finds FFmpeg by its variables, else by pkg-config, and tells cargo how to link it.
pub fn ffmpeg() -> Result<Ffmpeg, Problem> {
    let include_paths = match (variable("FFMPEG_DIR"), variable("FFMPEG_INCLUDE_DIR"), variable("FFMPEG_LIB_DIR")) {
        (_, Some(include), Some(lib)) => folders(include, &lib)?,
        (_, Some(_), None) => return Err(Problem::Missing("FFMPEG_INCLUDE_DIR is set, FFMPEG_LIB_DIR is not".into())),
        (_, None, Some(_)) => return Err(Problem::Missing("FFMPEG_LIB_DIR is set, FFMPEG_INCLUDE_DIR is not".into())),
        (Some(prefix), None, None) => folders(prefix.join("include"), &prefix.join("lib"))?,
        (None, None, None) => pkg_config()?,
    };
    let versions = LIBRARIES.iter().map(|library| version(library, &include_paths)).collect::<Result<Vec<_>, _>>()?;
    if versions[0] < MINIMUM {
        return Err(Problem::TooOld(format!(
            "its libavcodec is {}, and {MINIMUM} is the oldest supported",
            versions[0]
        )));
    }
    Ok(Ffmpeg { include_paths, versions })
}

/// The variable's value as a path, unless it is unset or empty; a change of it runs the script again.
fn variable(name: &str) -> Option<PathBuf> {
    println!("cargo::rerun-if-env-changed={name}");
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// FFmpeg in folders that the user named.
fn folders(include: PathBuf, lib: &Path) -> Result<Vec<PathBuf>, Problem> {
    if !include.join("libavcodec/avcodec.h").is_file() {
        return Err(Problem::Missing(format!("{} holds no libavcodec/avcodec.h", include.display())));
    }
    match linkage(lib) {
        Some(Linkage::Shared) => {
            println!("cargo::rustc-link-search=native={}", lib.display());
            LIBRARIES.iter().for_each(|library| println!("cargo::rustc-link-lib=dylib={library}"));
            Ok(vec![include])
        }
        Some(Linkage::Static) => pkg_config_in(&lib.join("pkgconfig")),
        None => Err(Problem::Missing(format!("{} holds no libavcodec to link", lib.display()))),
    }
}

enum Linkage {
    Shared,
    Static,
}

/// How the libavcodec in this folder can be linked.
fn linkage(lib: &Path) -> Option<Linkage> {
    let has = |name: &str| lib.join(name).is_file();
    if has("libavcodec.so") || has("libavcodec.dylib") || has("libavcodec.dll.a") || has("avcodec.lib") {
        Some(Linkage::Shared)
    } else if has("libavcodec.a") {
        Some(Linkage::Static)
    } else {
        None
    }
}

/// A static FFmpeg needs the libraries that it was built with, and only its .pc files name them: this script runs once more,
/// with pkg-config told to look there first.
fn pkg_config_in(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    if !folder.join("libavcodec.pc").is_file() {
        return Err(Problem::Missing(format!(
            "its libavcodec is a static library, and {} holds no libavcodec.pc to say what that needs",
            folder.display()
        )));
    }
    let mut paths = vec![folder.to_path_buf()];
    paths.extend(env::var_os("PKG_CONFIG_PATH").iter().flat_map(env::split_paths));
    let path = env::join_paths(paths).map_err(|error| Problem::Missing(error.to_string()))?;
    let mut again = Command::new(env::current_exe().expect("a program knows its path"));
    again.env("PKG_CONFIG_PATH", path).env("PKG_CONFIG_ALL_STATIC", "1");
    ["FFMPEG_DIR", "FFMPEG_INCLUDE_DIR", "FFMPEG_LIB_DIR"].iter().for_each(|name| {
        again.env_remove(name);
    });
    let status = again.status().expect("this program can be started");
    exit(status.code().unwrap_or(1))
}

/// FFmpeg where pkg-config knows it; the pkg-config crate prints the link lines and the variables to watch.
fn pkg_config() -> Result<Vec<PathBuf>, Problem> {
    let mut include_paths = Vec::new();
    for library in LIBRARIES {
        let found =
            pkg_config::Config::new().probe(&format!("lib{library}")).map_err(|error| missing(library, &error))?;
        include_paths.extend(found.include_paths);
    }
    include_paths.sort();
    include_paths.dedup();
    Ok(include_paths)
}

/// pkg-config's own text runs over many lines; the first ones that say something are the reason.
fn missing(library: &str, error: &pkg_config::Error) -> Problem {
    Problem::Missing(match error {
        pkg_config::Error::Command { cause, .. } => format!("pkg-config cannot be run ({cause})"),
        pkg_config::Error::CrossCompilation => {
            "pkg-config does not serve a cross build; set PKG_CONFIG_SYSROOT_DIR, or FFMPEG_DIR".into()
        }
        _ => format!("pkg-config knows no lib{library} (it looks for lib{library}.pc)"),
    })
}

/// The library's version out of its version.h, where newer FFmpegs keep the major in version_major.h.
fn version(library: &str, include_paths: &[PathBuf]) -> Result<Version, Problem> {
    let folder = format!("lib{library}");
    let missing = || Problem::Missing(format!("no include path holds {folder}/version.h"));
    let path = include_paths.iter().map(|path| path.join(&folder)).find(|path| path.join("version.h").is_file());
    let path = path.ok_or_else(missing)?;
    let mut text = fs::read_to_string(path.join("version.h")).map_err(|_| missing())?;
    text.push_str(&fs::read_to_string(path.join("version_major.h")).unwrap_or_default());
    let part = |name: &str| {
        let macro_name = format!("LIB{}_VERSION_{name}", library.to_uppercase());
        text.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some("#define") && words.next() == Some(&macro_name)).then(|| words.next())??.parse().ok()
        })
    };
    match (part("MAJOR"), part("MINOR"), part("MICRO")) {
        (Some(major), Some(minor), Some(micro)) => Ok(Version { major, minor, micro }),
        _ => Err(Problem::Missing(format!("{} does not say the version", path.join("version.h").display()))),
    }
}
