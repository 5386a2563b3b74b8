//! Where a file is: for FFmpeg, and for people.

use crate::{
    error::{Error, ErrorKind, Result},
    ffi,
};
use std::{
    ffi::{CStr, CString},
    path::{Path, PathBuf},
};

/// A path, a URL, or the application's own reader or writer.
#[derive(Clone)]
pub(crate) struct Url {
    url: CString,
    path: PathBuf,
    is_file: bool,
}

impl Url {
    /// FFmpeg takes what stands before a colon for a protocol: a path that is a file's gets FFmpeg's own prefix for files.
    pub(crate) fn new(path: &Path) -> Result<Self> {
        crate::raw::enter()?;
        let encoded = path.as_os_str().as_encoded_bytes();
        let nul = |_| Error::invalid("url", format!("the path {} contains a NUL byte", path.display()));
        let plain = CString::new(encoded).map_err(nul)?;
        let (url, is_file) = if !encoded.contains(&b':') {
            (plain, true)
        } else if path.exists() || !names_protocol(&plain) {
            (CString::new([b"file:", encoded].concat()).map_err(nul)?, true)
        } else {
            (plain, false)
        };
        Ok(Url { url, path: path.to_owned(), is_file })
    }
    /// No place at all: bytes come from the application, or go there.
    pub(crate) fn of_application(name: &'static str) -> Result<Self> {
        crate::raw::enter()?;
        Ok(Url { url: CString::default(), path: PathBuf::from(name), is_file: false })
    }
    /// The class of the protocol's options, or null.
    pub(in crate::raw) fn protocol_class(&self) -> *const ffi::AVClass {
        // SAFETY: a terminated string; the name is null or static and terminated, and so is the class.
        unsafe {
            let name = ffi::avio_find_protocol_name(self.url.as_ptr());
            if name.is_null() { std::ptr::null() } else { ffi::avio_protocol_get_class(name) }
        }
    }
    pub(in crate::raw) fn as_c_str(&self) -> &CStr {
        &self.url
    }
    /// The path, unless it is a URL of another protocol.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.is_file.then_some(&self.path)
    }
    /// The path of the file that it leads to by FFmpeg's protocols for files.
    pub(in crate::raw) fn local_file(&self) -> Option<PathBuf> {
        if self.is_file {
            Some(self.path.clone())
        } else {
            crate::raw::avformat::in_use::without_protocols(self.url.to_bytes())
        }
    }
    /// The extension that a name ends in.
    pub(crate) fn extension(&self) -> Option<String> {
        Some(self.path.extension()?.to_string_lossy().into_owned())
    }
    /// The error, with the file named in its explanation.
    pub(crate) fn name(&self, error: Error) -> Error {
        let kind = error.kind().clone();
        let what = match (&kind, error.explanation()) {
            (_, Some(explanation)) => explanation.to_string(),
            (ErrorKind::Other, None) => "failed".into(),
            (kind, None) => kind.to_string(),
        };
        error.with_kind(kind).detail(format!("{}: {what}", self.path.display()))
    }
    /// An error of our own, with the file named in its explanation.
    pub(crate) fn error(&self, kind: ErrorKind, operation: &'static str, detail: &str) -> Error {
        self.name(Error::new(kind, operation).detail(detail))
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.path.display().fmt(f)
    }
}

/// Whether what stands before the colon is one of FFmpeg's protocols, or, as with rtsp, one that a format has for itself.
fn names_protocol(url: &CStr) -> bool {
    let is_scheme =
        |scheme: &[u8]| !scheme.is_empty() && scheme.iter().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b));
    let bytes = url.to_bytes();
    if bytes.windows(3).position(|part| part == b"://").is_some_and(|end| is_scheme(&bytes[..end])) {
        return true;
    }
    // SAFETY: a terminated string; the result is null or static.
    !unsafe { ffi::avio_find_protocol_name(url.as_ptr()) }.is_null()
}
