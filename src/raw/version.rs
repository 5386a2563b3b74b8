//! The libraries that are loaded are those that the headers describe, or they are not used.
//!
//! Within one major version FFmpeg keeps its structures compatible; across two it does not, and a program that was built with the headers
//! of one and runs with the library of another reads and writes the wrong fields.

use crate::{
    error::{Error, ErrorKind, Result},
    ffi,
};
use std::sync::OnceLock;

/// A library whose major version is not its headers'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    /// Its name, such as `libavcodec`.
    pub(crate) library: &'static str,
    /// The headers' version, an `AV_VERSION_INT`.
    pub(crate) header: u32,
    /// The loaded library's version, an `AV_VERSION_INT`.
    pub(crate) found: u32,
}

/// The major version in FFmpeg's `AV_VERSION_INT`.
pub(crate) const fn major(version: u32) -> u32 {
    version >> 16
}

/// Compares the loaded libraries with the headers, once in the process.
pub(crate) fn versions_match() -> Result<(), Mismatch> {
    static MATCH: OnceLock<Result<(), Mismatch>> = OnceLock::new();
    *MATCH.get_or_init(|| {
        // SAFETY: these functions take nothing, touch no structure and may be called at any time, whatever version they are of.
        let (util, codec, format) = unsafe { (ffi::avutil_version(), ffi::avcodec_version(), ffi::avformat_version()) };
        compare(&[
            ("libavutil", ffi::LIBAVUTIL_VERSION_INT, util),
            ("libavcodec", ffi::LIBAVCODEC_VERSION_INT, codec),
            ("libavformat", ffi::LIBAVFORMAT_VERSION_INT, format),
        ])
    })
}

/// The version of the libavcodec that is loaded: major, minor, micro (avcodec_version). FFmpeg 5.1 has 59.37, 7.1 has 61.19, 9.0 has 63.1.
pub fn libavcodec_version() -> (u32, u32, u32) {
    // SAFETY: it takes nothing and touches nothing.
    let version = unsafe { ffi::avcodec_version() };
    (major(version), version >> 8 & 0xff, version & 0xff)
}

/// [`versions_match`] as the error that a user sees.
pub(crate) fn check() -> Result<()> {
    versions_match().map_err(|mismatch| {
        let Mismatch { library, header, found } = mismatch;
        let kind =
            ErrorKind::LibraryMismatch { library: library.to_owned(), required: major(header), found: major(found) };
        Error::new(kind, "load FFmpeg")
    })
}

/// Name, version of the headers, version found.
fn compare(libraries: &[(&'static str, u32, u32)]) -> Result<(), Mismatch> {
    match libraries.iter().find(|(_, header, found)| major(*header) != major(*found)) {
        Some(&(library, header, found)) => Err(Mismatch { library, header, found }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loaded_libraries_match_the_headers() {
        assert_eq!(versions_match(), Ok(()));
        assert!(check().is_ok());
    }

    #[test]
    fn another_major_is_refused_and_named() {
        let (older, newer) = (60 << 16 | 31 << 8, 61 << 16 | 3 << 8);
        let found = compare(&[("libavutil", 59 << 16, 59 << 16), ("libavcodec", newer, older)]);
        assert_eq!(found, Err(Mismatch { library: "libavcodec", header: newer, found: older }));
    }

    #[test]
    fn another_minor_or_micro_is_no_mismatch() {
        assert_eq!(compare(&[("libavcodec", 60 << 16 | 3 << 8 | 100, 60 << 16 | 31 << 8 | 102)]), Ok(()));
    }
}
