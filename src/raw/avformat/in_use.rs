//! The files that this process reads and writes, so that no output destroys one of them.

use crate::{
    error::{ErrorKind, Result},
    raw::avformat::url::Url,
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// A file that is open in a demuxer or a muxer, until this is dropped.
pub(crate) struct Claim(u64);

struct Entry {
    claim: u64,
    file: Option<FileId>,
    /// Only while the file does not exist yet, or where the format writes it anew again and again: a name can be given to another file.
    path: Option<PathBuf>,
    writes: bool,
}

/// Device and inode: the same by each of a file's names.
#[cfg(unix)]
type FileId = (u64, u64);
#[cfg(not(unix))]
type FileId = PathBuf;

static NEXT: AtomicU64 = AtomicU64::new(0);
/// Nothing of FFmpeg's or of the application's is called under this lock.
static OPEN: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

/// Looks at a file that is replaced meanwhile, at most.
const LOOKS: usize = 100;

fn open() -> MutexGuard<'static, Vec<Entry>> {
    // No code that can panic runs under the lock.
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Claim {
    /// A demuxer is about to open it. `None` for what is no file.
    pub(crate) fn reading(url: &Url) -> Option<Self> {
        let (file, path) = place(url)?;
        let path = path.filter(|_| file.is_none());
        Some(Claim::enter(&mut open(), file, path, false))
    }
    /// A muxer is about to create it, or to empty it.
    pub(crate) fn writing(url: &Url) -> Result<Option<Self>> {
        let mut found = place(url);
        for _ in 0..LOOKS {
            let Some((file, path)) = found.clone() else { return Ok(None) };
            let claim = Claim::unless_in_use(url, file, path)?;
            // Another muxer may have created the file since it was looked for, and goes by the file itself then.
            let now = place(url);
            if now == found {
                return Ok(Some(claim));
            }
            found = now;
        }
        Err(url.error(ErrorKind::FileInUse, "open", "somebody replaces this file again and again: choose another"))
    }
    fn unless_in_use(url: &Url, file: Option<FileId>, path: Option<PathBuf>) -> Result<Self> {
        let mut open = open();
        let same = |entry: &&Entry| {
            (file.is_some() && entry.file == file) || (path.is_some() && entry.path.as_ref() == path.as_ref())
        };
        let Some(writes) = open.iter().find(same).map(|entry| entry.writes) else {
            return Ok(Claim::enter(&mut open, file, path, true));
        };
        drop(open);
        let detail = if writes {
            "another muxer of this process writes this file: choose another, or finish that muxer first"
        } else {
            "a demuxer of this process reads this file, which would be destroyed: write to another and rename that at the \
             end, or drop the demuxer first"
        };
        Err(url.error(ErrorKind::FileInUse, "open", detail))
    }
    /// The file exists now, and goes by itself from here on, whatever happens to its name.
    pub(crate) fn exists(&self, url: &Url) {
        let file = place(url).and_then(|(file, _)| file);
        if file.is_some() {
            open().iter_mut().filter(|entry| entry.claim == self.0).for_each(|entry| {
                entry.file.clone_from(&file);
                entry.path = None;
            });
        }
    }
    /// Removes the file that was created under this claim, for nothing. One that somebody has put in its place stays.
    pub(crate) fn remove(&self, url: &Url) {
        let there = place(url).and_then(|(file, _)| file);
        let is_ours = |entry: &Entry| entry.claim == self.0 && entry.file.is_some() && entry.file == there;
        let is_created = open().iter().any(is_ours);
        let Some(path) = url.local_file().filter(|_| is_created) else { return };
        if let Err(left) = fs::remove_file(path) {
            crate::error::guard::say!(Warn, "{url} was not finished, and cannot be removed: {left}");
        }
    }
    fn enter(open: &mut Vec<Entry>, file: Option<FileId>, path: Option<PathBuf>, writes: bool) -> Self {
        let claim = NEXT.fetch_add(1, Ordering::Relaxed);
        open.push(Entry { claim, file, path, writes });
        Claim(claim)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut open = open();
        if let Some(place) = open.iter().position(|entry| entry.claim == self.0) {
            open.swap_remove(place);
        }
    }
}

/// What a file is known by. `None` for what is none: nothing of a device or a pipe is destroyed.
fn place(url: &Url) -> Option<(Option<FileId>, Option<PathBuf>)> {
    let path = url.local_file()?;
    match fs::metadata(&path) {
        Ok(found) if found.is_file() => Some((file_id(&path, &found), fs::canonicalize(&path).ok())),
        Ok(_) => None,
        Err(_) => Some((None, future_path(path))),
    }
}

#[cfg(unix)]
fn file_id(_: &Path, found: &fs::Metadata) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;
    Some((found.dev(), found.ino()))
}
#[cfg(not(unix))]
fn file_id(path: &Path, _: &fs::Metadata) -> Option<FileId> {
    fs::canonicalize(path).ok()
}

/// Links that lead to a file that is not there, at most: as many as Linux follows.
const LINKS: usize = 40;

/// Where a file will be once it is created.
fn future_path(mut path: PathBuf) -> Option<PathBuf> {
    for _ in 0..LINKS {
        let folder = match path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => return None,
        };
        match fs::read_link(&path) {
            Ok(to) => path = folder.join(to),
            Err(_) => return Some(fs::canonicalize(folder).ok()?.join(path.file_name()?)),
        }
    }
    None
}

/// A URL of FFmpeg's protocols that leads to a file, without them.
pub(in crate::raw) fn without_protocols(url: &[u8]) -> Option<PathBuf> {
    const AROUND: [&[u8]; 4] = [b"async:", b"cache:", b"crypto:", b"crypto+"];
    let mut rest = url;
    while let Some(inner) = AROUND.iter().find_map(|around| rest.strip_prefix(*around)) {
        rest = inner;
    }
    let is_plain = rest.len() < url.len() && !rest.contains(&b':');
    let rest = rest.strip_prefix(b"file:").or(is_plain.then_some(rest))?;
    path_of(rest)
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    Some(Path::new(std::ffi::OsStr::from_bytes(bytes)).to_owned())
}
#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    std::str::from_utf8(bytes).ok().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(path: &Path) -> Result<Option<Claim>> {
        Claim::writing(&Url::new(path).unwrap())
    }

    #[test]
    fn a_file_is_one_file_by_every_name() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["file", "hard", "soft"].map(|name| dir.path().join(name));
        fs::write(&names[0], "x").unwrap();
        fs::hard_link(&names[0], &names[1]).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(&names[0], &names[2]).unwrap();
        #[cfg(not(unix))]
        fs::hard_link(&names[0], &names[2]).unwrap();
        for read in &names {
            let reading = Claim::reading(&Url::new(read).unwrap());
            let again = Claim::reading(&Url::new(read).unwrap());
            drop(again);
            for written in &names {
                assert_eq!(claim(written).err().map(|error| error.kind().clone()), Some(ErrorKind::FileInUse));
            }
            let url = format!("file:{}", names[1].display());
            assert!(claim(Path::new(&url)).is_err());
            drop(reading);
            assert!(claim(&names[1]).is_ok(), "the entry is still there");
        }
    }

    #[test]
    fn a_file_that_does_not_exist_yet_is_claimed_by_its_name_and_then_by_itself() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("new"), dir.path().join("moved"));
        let first = claim(&path).unwrap().unwrap();
        assert!(claim(&dir.path().join("./new")).is_err());
        fs::write(&path, "").unwrap();
        assert!(claim(&path).is_err(), "between the creation and what is said of it");
        first.exists(&Url::new(&path).unwrap());
        fs::rename(&path, &moved).unwrap();
        assert!(claim(&moved).is_err() && claim(&path).is_ok());
        drop(first);
        assert!(claim(&moved).is_ok());
    }

    #[test]
    fn only_the_file_that_was_created_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let [path, other] = ["new", "other"].map(|name| dir.path().join(name));
        let location = Url::new(&path).unwrap();
        let claim = claim(&path).unwrap().unwrap();
        fs::write(&path, "another's").unwrap();
        claim.remove(&location);
        assert!(path.exists(), "this one was not created here");
        claim.exists(&location);
        fs::write(&other, "another's").unwrap();
        fs::rename(&other, &path).unwrap();
        claim.remove(&location);
        assert!(path.exists(), "it is not the file any more that was created");
        claim.exists(&location);
        claim.remove(&location);
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn links_to_what_does_not_exist_yet_are_followed() {
        let dir = tempfile::tempdir().unwrap();
        let [a, b, c] = ["a", "b", "c"].map(|name| dir.path().join(name));
        std::os::unix::fs::symlink("b", &a).unwrap();
        std::os::unix::fs::symlink(&c, &b).unwrap();
        let _held = claim(&c).unwrap();
        assert!(claim(&a).is_err());
        let (x, y) = (dir.path().join("x"), dir.path().join("y"));
        std::os::unix::fs::symlink(&x, &y).unwrap();
        std::os::unix::fs::symlink(&y, &x).unwrap();
        assert!(claim(&x).is_ok(), "a ring of links is FFmpeg's to refuse");
    }

    #[test]
    fn devices_may_be_written_by_many() {
        let null = Path::new("/dev/null");
        let _first = claim(null).unwrap();
        assert!(claim(null).is_ok());
    }

    #[test]
    fn protocols_that_lead_to_a_file_are_seen_through() {
        let path = |url: &str| without_protocols(url.as_bytes());
        assert_eq!(path("file:/a:b"), Some("/a:b".into()));
        assert_eq!(path("async:cache:file:/a"), Some("/a".into()));
        assert_eq!(path("crypto:/a"), Some("/a".into()));
        assert_eq!(
            [path("rtmp://host/a"), path("async:http://host/a"), path("pipe:1"), path("a")],
            [None, None, None, None]
        );
    }
}
