//! The system packages that building and testing need: the one table.

use clap::ValueEnum;

/// A command of xtask that needs packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Purpose {
    /// To build the library and the checks of gpu-test.
    GpuTest,
    /// To run every test.
    Test,
    /// To run the tests under Valgrind.
    Memcheck,
    /// To make the roots that the matrix tests in, which have an FFmpeg and a compiler of their own.
    Matrix,
    /// To pack what runs on another machine.
    Bundle,
}

impl Purpose {
    /// Whether it needs a package that `first` is the first to need: the first three need what the ones before them need.
    fn includes(self, first: Purpose) -> bool {
        match self {
            Purpose::Matrix => first == Purpose::Matrix,
            Purpose::Bundle => first == Purpose::Bundle || first == Purpose::GpuTest,
            _ => first <= self,
        }
    }

    /// What it needs.
    pub fn packages(self) -> impl Iterator<Item = &'static Package> {
        PACKAGES.iter().filter(move |package| self.includes(package.purpose))
    }
}

/// How to tell whether a package is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// A compiler that finds the C library's headers.
    CCompiler,
    /// pkg-config or pkgconf.
    PkgConfig,
    /// One of FFmpeg's libraries with its headers, by pkg-config.
    Ffmpeg {
        /// Its pkg-config name.
        library: &'static str,
        /// Its version in FFmpeg 5.1, the oldest that is supported.
        minimum: &'static str,
    },
    /// The shared library that bindgen loads.
    Libclang,
    /// A program on PATH.
    Program(&'static str),
    /// The same, which other systems than Linux do without.
    LinuxProgram(&'static str),
    /// A file of the system.
    File(&'static str),
}

/// The keys that Debian signs its archive with.
pub const DEBIAN_KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A program that installs packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    /// Debian, Ubuntu.
    Apt,
    /// Fedora and what is built from it.
    Dnf,
    /// Arch.
    Pacman,
    /// Homebrew.
    Brew,
}

/// One row: what is needed, why, and its name for each package manager.
#[derive(Debug)]
pub struct Package {
    /// What a user calls it.
    pub title: &'static str,
    /// What needs it.
    pub why: &'static str,
    /// The first command that needs it.
    pub purpose: Purpose,
    /// How to tell that it is there.
    pub probe: Probe,
    apt: &'static [&'static str],
    dnf: &'static [&'static str],
    pacman: &'static [&'static str],
    brew: &'static [&'static str],
}

impl Package {
    /// Its names for that manager; none where the system brings it in another way.
    pub fn names(&self, manager: Manager) -> &'static [&'static str] {
        match manager {
            Manager::Apt => self.apt,
            Manager::Dnf => self.dnf,
            Manager::Pacman => self.pacman,
            Manager::Brew => self.brew,
        }
    }
}

/// Every package. dnf is asked for what a package provides, since Fedora's own FFmpeg and RPM Fusion's have other names.
pub const PACKAGES: &[Package] = &[
    Package {
        title: "a C compiler",
        why: "Rust links with it, and FFmpeg's log callback is C",
        purpose: Purpose::GpuTest,
        probe: Probe::CCompiler,
        apt: &["gcc", "libc6-dev"],
        dnf: &["gcc", "glibc-devel"],
        pacman: &["gcc"],
        brew: &[], // It comes with Apple's command line tools, see `manager::without_a_package`.
    },
    Package {
        title: "pkg-config",
        why: "it says where FFmpeg is",
        purpose: Purpose::GpuTest,
        probe: Probe::PkgConfig,
        apt: &["pkg-config"],
        dnf: &["pkgconf-pkg-config"],
        pacman: &["pkgconf"],
        brew: &["pkgconf"],
    },
    Package {
        title: "libavcodec 5.1 or later, with its headers",
        why: "avsluice is built on it",
        purpose: Purpose::GpuTest,
        probe: Probe::Ffmpeg { library: "libavcodec", minimum: "59.37" },
        apt: &["libavcodec-dev"],
        dnf: &["pkgconfig(libavcodec)"],
        pacman: &["ffmpeg"],
        brew: &["ffmpeg"],
    },
    Package {
        title: "libavformat 5.1 or later, with its headers",
        why: "avsluice is built on it",
        purpose: Purpose::GpuTest,
        probe: Probe::Ffmpeg { library: "libavformat", minimum: "59.27" },
        apt: &["libavformat-dev"],
        dnf: &["pkgconfig(libavformat)"],
        pacman: &["ffmpeg"],
        brew: &["ffmpeg"],
    },
    Package {
        title: "libavutil 5.1 or later, with its headers",
        why: "avsluice is built on it",
        purpose: Purpose::GpuTest,
        probe: Probe::Ffmpeg { library: "libavutil", minimum: "57.28" },
        apt: &["libavutil-dev"],
        dnf: &["pkgconfig(libavutil)"],
        pacman: &["ffmpeg"],
        brew: &["ffmpeg"],
    },
    Package {
        title: "libclang",
        why: "bindgen reads FFmpeg's headers with it",
        purpose: Purpose::GpuTest,
        probe: Probe::Libclang,
        apt: &["libclang-dev"],
        dnf: &["clang-devel"],
        pacman: &["clang"],
        brew: &["llvm"],
    },
    Package {
        title: "the ffmpeg program",
        why: "tests make streams with it",
        purpose: Purpose::Test,
        probe: Probe::Program("ffmpeg"),
        apt: &["ffmpeg"],
        dnf: &["/usr/bin/ffmpeg"],
        pacman: &["ffmpeg"],
        brew: &["ffmpeg"],
    },
    Package {
        title: "Xvfb",
        why: "a test goes to a VA-API driver through an X11 display",
        purpose: Purpose::Test,
        probe: Probe::LinuxProgram("Xvfb"),
        apt: &["xvfb"],
        dnf: &["xorg-x11-server-Xvfb"],
        pacman: &["xorg-server-xvfb"],
        brew: &[],
    },
    Package {
        title: "Valgrind",
        why: "memcheck runs the tests under it",
        purpose: Purpose::Memcheck,
        probe: Probe::Program("valgrind"),
        apt: &["valgrind", "libc6-dbg"],
        dnf: &["valgrind"],
        pacman: &["valgrind"],
        brew: &[],
    },
    Package {
        title: "xz",
        why: "bundle compresses with it",
        purpose: Purpose::Bundle,
        probe: Probe::Program("xz"),
        apt: &["xz-utils"],
        dnf: &["xz"],
        pacman: &["xz"],
        brew: &["xz"],
    },
    Package {
        title: "mmdebstrap",
        why: "it makes a root file system of a Debian release",
        purpose: Purpose::Matrix,
        probe: Probe::Program("mmdebstrap"),
        apt: &["mmdebstrap"],
        dnf: &[],
        pacman: &[],
        brew: &[],
    },
    Package {
        title: "Debian's archive keys",
        why: "the packages of those roots are signed with them",
        purpose: Purpose::Matrix,
        probe: Probe::File(DEBIAN_KEYRING),
        apt: &["debian-archive-keyring"],
        dnf: &[],
        pacman: &[],
        brew: &[],
    },
    Package {
        title: "unshare",
        why: "it keeps their mounts and processes apart from this machine's",
        purpose: Purpose::Matrix,
        probe: Probe::Program("unshare"),
        apt: &["util-linux", "mount"],
        dnf: &[],
        pacman: &[],
        brew: &[],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_purpose_needs_what_the_one_before_it_needs_and_more() {
        let count = |purpose: Purpose| purpose.packages().count();
        assert_eq!((count(Purpose::GpuTest), count(Purpose::Test), count(Purpose::Memcheck)), (6, 8, 9));
    }

    #[test]
    fn the_matrix_needs_no_ffmpeg_on_this_machine() {
        let titles: Vec<_> = Purpose::Matrix.packages().map(|package| package.title).collect();
        assert_eq!(titles, ["mmdebstrap", "Debian's archive keys", "unshare"]);
    }

    #[test]
    fn linux_has_a_package_for_everything_but_the_matrix() {
        // The matrix needs apt itself, and so Debian or Ubuntu.
        for package in PACKAGES.iter().filter(|package| package.purpose != Purpose::Matrix) {
            for manager in [Manager::Apt, Manager::Dnf, Manager::Pacman] {
                assert!(!package.names(manager).is_empty(), "{} for {manager:?}", package.title);
            }
        }
    }

    #[test]
    fn every_library_has_the_version_that_ffmpeg_5_1_has() {
        let libraries: Vec<_> = PACKAGES
            .iter()
            .filter_map(|package| match package.probe {
                Probe::Ffmpeg { library, minimum } => Some((library, minimum)),
                _ => None,
            })
            .collect();
        assert_eq!(libraries, [("libavcodec", "59.37"), ("libavformat", "59.27"), ("libavutil", "57.28")]);
    }
}
