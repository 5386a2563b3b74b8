//! The stream that the checks run on: the user's file, else the standard test stream.

use anyhow::{Context, Result, bail, ensure};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The stream, and how much of it is used.
#[derive(Debug, PartialEq, Eq)]
pub struct Input {
    /// Where it is.
    pub path: PathBuf,
    /// How many frames of it the checks use, from the first.
    pub frames: u32,
    /// How the report speaks of it.
    pub description: String,
}

impl Input {
    /// Looks at the file before anything is built for it. What is inside is the checks' matter.
    pub fn resolve(file: Option<&Path>, frames: u32) -> Result<Self> {
        let Some(path) = file else {
            let stream = media::standard();
            // Asking for more than there is takes all there is.
            let frames = frames.min(u32::try_from(stream.frame_count)?);
            let all = stream.frame_count;
            let description =
                format!("{}, {}x{}, the first {frames} of {all} frames", stream.name, stream.width, stream.height);
            return Ok(Self { path: stream.path, frames, description });
        };
        let shown = path.display();
        let metadata = fs::metadata(path).with_context(|| format!("--input {shown}"))?;
        if metadata.is_dir() {
            bail!("--input {shown}: this is a folder");
        }
        ensure!(!metadata.is_file() || metadata.len() > 0, "--input {shown}: the file is empty");
        File::open(path).with_context(|| format!("--input {shown}"))?;
        // The checks run in folders of their own.
        let path = fs::canonicalize(path).with_context(|| format!("--input {shown}"))?;
        Ok(Self { description: format!("{shown}, the first {frames} frames"), path, frames })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    #[test]
    fn the_standard_stream_is_the_default() {
        let input = Input::resolve(None, 100).unwrap();
        assert!(input.path.ends_with("test-25fps.h264"));
        assert_eq!(input.frames, 100);
        assert_eq!(input.description, "test-25fps.h264, 320x240, the first 100 of 250 frames");
        assert_eq!(Input::resolve(None, 1000).unwrap().frames, 250);
    }

    #[test]
    fn a_file_that_cannot_be_a_stream_is_one_clear_error() {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("empty.mp4"), "").unwrap();
        for (name, reason) in
            [("missing.mp4", "No such file"), ("empty.mp4", "the file is empty"), (".", "this is a folder")]
        {
            let error = format!("{:#}", Input::resolve(Some(&path(name)), 1).unwrap_err());
            assert!(error.starts_with("--input ") && error.contains(name) && error.contains(reason), "{error}");
            assert_eq!(error.lines().count(), 1);
        }
    }

    #[test]
    fn a_file_is_passed_on_by_its_full_path() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.h264");
        fs::write(&path, "x").unwrap();
        let input = Input::resolve(Some(&path), 7).unwrap();
        assert!(input.path.is_absolute() && input.path.ends_with("a.h264"));
        assert_eq!(input.frames, 7);
    }
}
