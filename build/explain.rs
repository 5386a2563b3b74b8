//! What a user reads when FFmpeg or libclang is missing: the reason, the variable to set, the package to install.

use std::fmt;
use std::process::exit as exit_process;

/// Why the build cannot go on.
#[derive(Debug)]
pub enum Problem {
    /// No FFmpeg was found, or not all of it.
    Missing(String),
    /// An FFmpeg was found that is older than the crate supports.
    TooOld(String),
    /// libclang, which bindgen needs, cannot be loaded.
    NoLibclang(String),
    /// libclang could not read the headers.
    Headers(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(reason) => write!(f, "FFmpeg's development files were not found.\n\nReason: {reason}"),
            Self::TooOld(reason) => {
                write!(f, "This FFmpeg is too old: avsluice needs 5.1 or later.\n\nReason: {reason}")
            }
            Self::NoLibclang(reason) => {
                write!(f, "libclang, which reads FFmpeg's headers, was not found.\n\nReason: {reason}")
            }
            Self::Headers(reason) => write!(f, "FFmpeg's headers could not be read.\n\nReason: {reason}"),
        }
    }
}

const REMEDY: &str = "\
Variables:
  FFMPEG_DIR        a folder with FFmpeg's include/ and lib/ (or FFMPEG_INCLUDE_DIR and FFMPEG_LIB_DIR)
  PKG_CONFIG_PATH   the folder with libavcodec.pc, when FFmpeg is not where pkg-config looks
  LIBCLANG_PATH     the folder with libclang (libclang.so, libclang.dylib or libclang.dll)

Packages:
  Debian, Ubuntu    apt-get install pkg-config libavcodec-dev libavformat-dev libavutil-dev libclang-dev
  Fedora            dnf install pkgconf-pkg-config ffmpeg-devel clang-devel   (ffmpeg-devel is in RPM Fusion;
                    Fedora's own build is ffmpeg-free-devel)
  Arch              pacman -S pkgconf ffmpeg clang
  macOS (Homebrew)  brew install pkgconf ffmpeg llvm   (LIBCLANG_PATH=$(brew --prefix llvm)/lib)
  Windows (vcpkg)   vcpkg install ffmpeg:x64-windows, then FFMPEG_DIR=<vcpkg>\\installed\\x64-windows;
                    winget install LLVM.LLVM for libclang

In a checkout of avsluice, `cargo xtask test --setup` installs them.";

/// Prints the one message and ends the build script, without a panic and its backtrace.
pub fn exit(problem: &Problem) -> ! {
    eprintln!("\navsluice: {problem}\n\n{REMEDY}\n");
    exit_process(1)
}
