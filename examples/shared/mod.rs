//! What the examples share: a result that is there as a whole or not at all, and words to a reader that may be gone.

use avsluice::{Error, Result};
use std::{
    ffi::OsString,
    fmt, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// A result that is written in a folder of its own until it is whole, for nobody shall take half a file for a whole one. A folder and
/// not another name: some containers make several files (HLS has a playlist and segments), whose names come from the first one's.
pub struct Unfinished {
    folder: PathBuf,
    output: PathBuf,
}

impl Unfinished {
    /// The folder, beside the output.
    ///
    /// # Errors
    /// The output's own folder is not there, or is not to be written to; another run writes the same output.
    pub fn new(output: &Path) -> Result<Self> {
        let mut name = OsString::from("unfinished-");
        name.push(output.file_name().ok_or_else(|| told(output, "this is no file's name"))?);
        let folder = output.with_file_name(name);
        fs::create_dir(&folder).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => told(output, "there is no such folder"),
            io::ErrorKind::AlreadyExists => {
                told(&folder, "another run writes here; if it was killed, remove this folder")
            }
            _ => told(&folder, &error.to_string()),
        })?;
        Ok(Unfinished { folder, output: output.to_path_buf() })
    }
    /// Where to write: under its own name.
    pub fn path(&self) -> PathBuf {
        self.folder.join(self.output.file_name().unwrap_or_default())
    }
    /// Moves everything to its place; the output itself comes last, for a playlist names the others. Gives their paths.
    pub fn finish(self) -> Result<Vec<PathBuf>> {
        let last = self.path();
        let mut files: Vec<_> = fs::read_dir(&self.folder)?.map(|file| Ok(file?.path())).collect::<io::Result<_>>()?;
        files.sort_by_key(|file| *file == last);
        let mut written = Vec::new();
        for file in files {
            let place = self.output.with_file_name(file.file_name().unwrap_or_default());
            if let Err(error) = fs::rename(&file, &place) {
                discard(&written);
                return Err(told(&place, &error.to_string()));
            }
            written.push(place);
        }
        Ok(written)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder); // with what is in it, where it was not finished
    }
}

/// Removes files that are of no use without others.
pub fn discard(files: &[PathBuf]) {
    files.iter().for_each(|file| drop(fs::remove_file(file)));
}

/// An output that is the input, under whatever name, would be gone before it is read.
pub fn refuse_to_overwrite(input: &Path, output: &Path) -> Result<()> {
    match is_same(input, output) {
        true => Err(told(output, "this is the input: write to another file")),
        false => Ok(()),
    }
}

/// Whether both are one file, which links give several names.
fn is_same(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let id = |path| fs::metadata(path).map(|file| (file.dev(), file.ino()));
        matches!((id(one), id(other)), (Ok(one), Ok(other)) if one == other)
    }
    #[cfg(not(unix))]
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

fn told(path: &Path, what: &str) -> Error {
    Error::other(format!("{}: {what}", path.display()))
}

/// Says something to whoever reads the standard output, who may have gone (`| head -1`): the work is done all the same.
pub fn say(what: impl fmt::Display) {
    let _ = writeln!(io::stdout(), "{what}");
}

/// The same on the standard error.
pub fn warn(what: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{what}");
}
