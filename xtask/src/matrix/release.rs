//! The FFmpeg versions that are tested: which Debian release has each, and which FFmpeg a root really holds.

use super::deb822;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// libavcodec's major version in the newest FFmpeg that the code was written with, 9.0. It decides nothing but how the matrix
/// speaks of a newer one: what differs there is unknown, and the first thing to do about it is an issue.
pub const NEWEST_KNOWN_LIBAVCODEC: u32 = 63;

/// An FFmpeg version and the Debian release that has it.
#[derive(Debug, PartialEq, Eq)]
pub struct Release {
    /// `7.1`: what the user asks for, and what the root must hold.
    pub version: &'static str,
    /// Debian's name of the release.
    pub suite: &'static str,
    /// Whether a later FFmpeg does as well: the suite is the one that moves.
    pub or_newer: bool,
    /// How old a cached root of a moving suite may be.
    pub longest_kept: Option<Duration>,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Every version that can be tested.
pub const RELEASES: &[Release] = &[
    Release { version: "5.1", suite: "bookworm", or_newer: false, longest_kept: None },
    Release { version: "7.1", suite: "trixie", or_newer: false, longest_kept: None },
    Release { version: "9.0", suite: "sid", or_newer: true, longest_kept: Some(DAY.saturating_mul(7)) },
];

/// The release of that version, for the command line.
pub fn named(version: &str) -> Result<&'static Release, String> {
    RELEASES.iter().find(|release| release.version == version).ok_or_else(|| {
        let known: Vec<_> = RELEASES.iter().map(|release| release.version).collect();
        format!("the versions that can be tested are {}", known.join(", "))
    })
}

impl Release {
    /// How a message speaks of it.
    pub fn title(&self) -> String {
        format!("FFmpeg {}{} (Debian {})", self.version, if self.or_newer { " or newer" } else { "" }, self.suite)
    }

    /// Makes sure that what the root holds is what was asked for.
    pub fn check(&self, found: &Found) -> Result<()> {
        let wanted = numbers(self.version);
        let there = numbers(&found.ffmpeg);
        let matches = if self.or_newer { there >= wanted } else { there == wanted };
        if matches {
            return Ok(());
        }
        bail!(
            "Debian {} has FFmpeg {} now: it is no longer the release to test {} with",
            self.suite,
            found.ffmpeg,
            self.version
        )
    }
}

/// Major and minor; a release candidate is `9.1~rc1`.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(['.', '~', '+']).map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

/// The FFmpeg that a root holds.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its version, of Debian's package: `7.1.5`.
    pub ffmpeg: String,
    /// The version of its libavcodec: `61.19.101`.
    pub libavcodec: String,
}

impl Found {
    /// Reads what the root's package list and its libavcodec.pc say.
    pub fn in_root(root: &Path) -> Result<Self> {
        let status = root.join("var/lib/dpkg/status");
        let text = fs::read_to_string(&status).with_context(|| status.display().to_string())?;
        let package = deb822::paragraphs(&text).find(|fields| fields.get("package") == Some("libavcodec-dev"));
        let package = package.context("no libavcodec-dev is installed in the root")?;
        let ffmpeg = upstream(package.get("version").context("a package has no version")?).to_owned();
        let pattern = glob::Pattern::escape(&root.to_string_lossy()) + "/usr/lib/*/pkgconfig/libavcodec.pc";
        let path = glob::glob(&pattern)?.filter_map(Result::ok).next().context("the root has no libavcodec.pc")?;
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let libavcodec = text.lines().find_map(|line| line.strip_prefix("Version:")).map(str::trim);
        Ok(Self { ffmpeg, libavcodec: libavcodec.context("libavcodec.pc has no version")?.to_owned() })
    }

    /// Whether this is a major version that the code was never written with.
    pub fn is_unknown(&self) -> bool {
        self.libavcodec
            .split('.')
            .next()
            .and_then(|major| major.parse::<u32>().ok())
            .is_none_or(|major| major > NEWEST_KNOWN_LIBAVCODEC)
    }
}

/// FFmpeg's own version in that of a Debian package: `7:7.1.5-0+deb13u1` has an epoch before it and Debian's revision after it.
fn upstream(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    version.rsplit_once('-').map_or(version, |(upstream, _)| upstream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn found(ffmpeg: &str, libavcodec: &str) -> Found {
        Found { ffmpeg: ffmpeg.into(), libavcodec: libavcodec.into() }
    }

    #[test]
    fn a_debian_version_has_ffmpeg_s_in_it() {
        for (debian, ffmpeg) in [
            ("7:5.1.9-0+deb12u1", "5.1.9"),
            ("7:7.1.5-0+deb13u1", "7.1.5"),
            ("7:9.0.2-1+b1", "9.0.2"),
            ("7:9.1~rc1-1", "9.1~rc1"),
            ("10.0", "10.0"),
        ] {
            assert_eq!(upstream(debian), ffmpeg);
        }
    }

    #[test]
    fn a_suite_that_moved_on_is_told() {
        let trixie = named("7.1").unwrap();
        trixie.check(&found("7.1.5", "")).unwrap();
        for other in ["7.0.2", "7.10", "8.0", "git"] {
            let error = trixie.check(&found(other, "")).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("Debian trixie has FFmpeg {other} now: it is no longer the release to test 7.1 with")
            );
        }
    }

    #[test]
    fn the_newest_may_be_newer_and_not_older() {
        let sid = named("9.0").unwrap();
        for there in ["9.0.2", "9.1~rc1", "10.0"] {
            sid.check(&found(there, "")).unwrap();
        }
        assert!(sid.check(&found("8.1.4", "")).is_err());
    }

    #[test]
    fn a_new_major_is_unknown() {
        assert!(!found("9.0.2", "63.1.102").is_unknown());
        assert!(!found("5.1.9", "59.37.100").is_unknown());
        assert!(found("10.0", "64.0.100").is_unknown());
        assert!(found("?", "odd").is_unknown());
    }

    #[test]
    fn an_unknown_version_is_refused_with_the_known_ones() {
        assert_eq!(named("4.4").unwrap_err(), "the versions that can be tested are 5.1, 7.1, 9.0");
    }

    #[test]
    fn what_a_root_holds_is_read_out_of_it() {
        let root = TempDir::new().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        assert!(Found::in_root(root.path()).is_err());
        let status =
            "Package: libavcodec\nVersion: 1\n\nPackage: libavcodec-dev\nDescription: x\n more\nVersion: 7:9.0.2-1\n";
        write("var/lib/dpkg/status", status);
        write("usr/lib/x86_64-linux-gnu/pkgconfig/libavcodec.pc", "Name: libavcodec\nVersion: 63.1.102\n");
        assert_eq!(Found::in_root(root.path()).unwrap(), found("9.0.2", "63.1.102"));
    }
}
