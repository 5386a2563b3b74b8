//! Whether a package is there, found out the way its user will: by compiling, by asking pkg-config, by looking where bindgen
//! looks for libclang.

use super::host::Host;
use super::packages::Probe;
use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is there.
    Yes,
    /// It is not, and why.
    No(String),
    /// It is there, and too old: the version found.
    TooOld(String),
}

/// Looks for one package.
pub fn probe(host: &Host, probe: Probe) -> Found {
    match probe {
        Probe::CCompiler => c_compiler(host),
        Probe::PkgConfig if ffmpeg_is_named(host) => Found::Yes,
        Probe::PkgConfig => found(pkg_config(host).is_some(), "pkg-config is not on PATH"),
        Probe::Ffmpeg { .. } if ffmpeg_is_named(host) => Found::Yes,
        Probe::Ffmpeg { library, minimum } => ffmpeg(host, library, minimum),
        Probe::Libclang => libclang(host),
        Probe::LinuxProgram(_) if !cfg!(target_os = "linux") => Found::Yes,
        Probe::Program(name) | Probe::LinuxProgram(name) => {
            found(host.program(OsStr::new(name)).is_some(), &format!("{name} is not on PATH"))
        }
        Probe::File(path) => found(host.system(path).is_file(), &format!("there is no {path}")),
    }
}

fn found(there: bool, otherwise: &str) -> Found {
    if there { Found::Yes } else { Found::No(otherwise.to_owned()) }
}

/// FFmpeg's folders are named by variables: build.rs then asks no pkg-config, and says itself what is wrong with them.
fn ffmpeg_is_named(host: &Host) -> bool {
    ["FFMPEG_DIR", "FFMPEG_INCLUDE_DIR", "FFMPEG_LIB_DIR"].iter().any(|name| host.variable(name).is_some())
}

fn c_compiler(host: &Host) -> Found {
    let name = host.variable("CC").unwrap_or(OsStr::new("cc"));
    let Some(mut command) = host.command(name) else {
        return Found::No(format!("{} is not on PATH", name.to_string_lossy()));
    };
    command.args(["-include", "stdio.h", "-E", "-x", "c", "-"]);
    found(succeeds(&mut command), &format!("{} does not find stdio.h", name.to_string_lossy()))
}

/// pkg-config as the crate of that name looks for it.
fn pkg_config(host: &Host) -> Option<Command> {
    match host.variable("PKG_CONFIG") {
        Some(program) => host.command(program),
        None => host.command(OsStr::new("pkg-config")).or_else(|| host.command(OsStr::new("pkgconf"))),
    }
}

fn ffmpeg(host: &Host, library: &str, minimum: &str) -> Found {
    let Some(mut at_least) = pkg_config(host) else {
        return Found::No("without pkg-config nobody knows".into());
    };
    if succeeds(at_least.arg("--exists").arg(format!("{library} >= {minimum}"))) {
        return Found::Yes;
    }
    let version = pkg_config(host).and_then(|mut command| output(command.args(["--modversion", library])));
    match version {
        Some(version) => Found::TooOld(format!("{library} {version}, and {minimum} (FFmpeg 5.1) or later is needed")),
        None => Found::No(format!("pkg-config knows no {library}")),
    }
}

/// Where clang-sys, which loads it for bindgen, looks on Linux and on macOS.
const LIBCLANG_FOLDERS: &[&str] = &[
    "/usr/local/llvm*/lib*",
    "/usr/local/lib*/*/*",
    "/usr/local/lib*/*",
    "/usr/local/lib*",
    "/usr/lib*/*/*",
    "/usr/lib*/*",
    "/usr/lib*",
    "/usr/local/opt/llvm*/lib",
    "/usr/local/opt/llvm*/lib/llvm*/lib",
    "/Library/Developer/CommandLineTools/usr/lib",
    "/Applications/Xcode.app/Contents/Developer/Toolchains/XcodeDefault.xctoolchain/usr/lib",
];

const LIBCLANG_NAMES: &[&str] = &["libclang.so", "libclang-*.so", "libclang.so.*", "libclang-*.so.*", "libclang.dylib"];

fn libclang(host: &Host) -> Found {
    if let Some(named) = host.variable("LIBCLANG_PATH") {
        let there = Path::new(named).is_file() || holds_libclang(named.as_ref());
        return found(there, &format!("LIBCLANG_PATH={} holds none", named.to_string_lossy()));
    }
    let mut folders: Vec<PathBuf> = Vec::new();
    let llvm_config = host.variable("LLVM_CONFIG_PATH").unwrap_or(OsStr::new("llvm-config"));
    if let Some(prefix) = host.command(llvm_config).and_then(|mut command| output(command.arg("--prefix"))) {
        folders.extend(["bin", "lib", "lib64"].map(|name| Path::new(&prefix).join(name)));
    }
    for name in ["LD_LIBRARY_PATH", "LIBRARY_PATH"] {
        folders.extend(host.variable(name).iter().flat_map(env::split_paths));
    }
    folders.extend(LIBCLANG_FOLDERS.iter().flat_map(|pattern| {
        let pattern = host.system(pattern);
        glob::glob(&pattern.to_string_lossy()).into_iter().flatten().filter_map(Result::ok)
    }));
    found(folders.iter().any(|folder| holds_libclang(folder)), "no libclang.so where bindgen looks")
}

/// libclang-cpp, which has another interface, matches the patterns too and is none.
fn holds_libclang(folder: &Path) -> bool {
    LIBCLANG_NAMES.iter().any(|name| {
        let pattern = Path::new(&glob::Pattern::escape(&folder.to_string_lossy())).join(name);
        let mut files = glob::glob(&pattern.to_string_lossy()).into_iter().flatten().filter_map(Result::ok);
        files.any(|file| !file.to_string_lossy().contains("-cpp."))
    })
}

fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// What a command that succeeds prints, without the end of line.
fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::host::pretended;
    use super::*;

    const LIBAVCODEC: Probe = Probe::Ffmpeg { library: "libavcodec", minimum: "59.37" };

    #[test]
    fn an_empty_machine_has_nothing() {
        let (host, _folder) = pretended::empty();
        for probed in [Probe::CCompiler, Probe::PkgConfig, LIBAVCODEC, Probe::Libclang, Probe::Program("ffmpeg")] {
            assert!(matches!(probe(&host, probed), Found::No(_)), "{probed:?}");
        }
    }

    #[test]
    fn a_file_is_looked_up_in_the_system() {
        let (host, _folder) = pretended::empty();
        let keys = Probe::File("/usr/share/keyrings/keys.gpg");
        assert_eq!(probe(&host, keys), Found::No("there is no /usr/share/keyrings/keys.gpg".into()));
        host.add_file("/usr/share/keyrings/keys.gpg", "");
        assert_eq!(probe(&host, keys), Found::Yes);
    }

    #[test]
    fn a_compiler_without_the_c_library_is_none() {
        let (host, _folder) = pretended::empty();
        host.add_program("cc", "exit 1");
        assert_eq!(probe(&host, Probe::CCompiler), Found::No("cc does not find stdio.h".into()));
        host.add_program("cc", "exit 0");
        assert_eq!(probe(&host, Probe::CCompiler), Found::Yes);
    }

    #[test]
    fn cc_names_the_compiler() {
        let (mut host, _folder) = pretended::empty();
        host.add_program("tcc", "exit 0");
        assert!(matches!(probe(&host, Probe::CCompiler), Found::No(_)));
        host.set("CC", "tcc");
        assert_eq!(probe(&host, Probe::CCompiler), Found::Yes);
    }

    #[test]
    fn an_old_ffmpeg_is_told_from_none() {
        let (host, _folder) = pretended::empty();
        host.add_program("pkg-config", r#"[ "$1" = --modversion ] && echo 58.134.100"#);
        let text = "libavcodec 58.134.100, and 59.37 (FFmpeg 5.1) or later is needed";
        assert_eq!(probe(&host, LIBAVCODEC), Found::TooOld(text.into()));
        host.add_program("pkg-config", "exit 1");
        assert_eq!(probe(&host, LIBAVCODEC), Found::No("pkg-config knows no libavcodec".into()));
    }

    #[test]
    fn pkg_config_is_asked_for_the_library_and_its_version() {
        let (host, _folder) = pretended::empty();
        host.add_program("pkgconf", r#"[ "$*" = "--exists libavcodec >= 59.37" ]"#);
        assert_eq!(probe(&host, LIBAVCODEC), Found::Yes);
        assert_eq!(probe(&host, Probe::PkgConfig), Found::Yes);
    }

    #[test]
    fn ffmpeg_named_by_a_variable_needs_no_pkg_config() {
        let (mut host, _folder) = pretended::empty();
        host.set("FFMPEG_DIR", "/opt/ffmpeg");
        assert_eq!(probe(&host, Probe::PkgConfig), Found::Yes);
        assert_eq!(probe(&host, LIBAVCODEC), Found::Yes);
    }

    #[test]
    fn libclang_is_found_where_distributions_put_it() {
        for path in [
            "/usr/lib/llvm-14/lib/libclang-14.so.1",
            "/usr/lib/x86_64-linux-gnu/libclang.so.1",
            "/usr/lib64/libclang.so",
            "/usr/lib/libclang.so.18.1",
        ] {
            let (host, _folder) = pretended::empty();
            host.add_file(path, "");
            assert_eq!(probe(&host, Probe::Libclang), Found::Yes, "{path}");
        }
    }

    #[test]
    fn libclang_cpp_is_not_libclang() {
        let (host, _folder) = pretended::empty();
        host.add_file("/usr/lib/x86_64-linux-gnu/libclang-cpp.so.14", "");
        assert!(matches!(probe(&host, Probe::Libclang), Found::No(_)));
    }

    #[test]
    fn libclang_path_alone_counts_when_it_is_set() {
        let (mut host, folder) = pretended::empty();
        host.add_file("/usr/lib/libclang.so", "");
        host.set("LIBCLANG_PATH", folder.path().join("elsewhere"));
        assert!(matches!(probe(&host, Probe::Libclang), Found::No(_)));
        host.set("LIBCLANG_PATH", folder.path().join("usr/lib"));
        assert_eq!(probe(&host, Probe::Libclang), Found::Yes);
    }

    #[test]
    fn llvm_config_leads_to_libclang() {
        let (host, folder) = pretended::empty();
        host.add_file("/opt/llvm/lib/libclang.so", "");
        host.add_program("llvm-config", &format!("echo {}", folder.path().join("opt/llvm").display()));
        assert_eq!(probe(&host, Probe::Libclang), Found::Yes);
    }
}
