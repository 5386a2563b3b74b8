//! What FFmpeg's log says of an error: more than its return value, which is often EPERM, EINVAL or ENOSYS.

use super::{ErrorKind, averror, line::Line};

/// A part of a line of the log, the kind of error that it tells, and what to do.
pub type Pattern = (&'static str, fn(&str) -> ErrorKind, &'static str);

/// Those of no backend; each backend has its own.
const PATTERNS: &[Pattern] = &[
    (
        "Error setting preset/tune",
        |_| ErrorKind::InvalidSetting { name: "preset".into() },
        "libx264 has no such preset or tune",
    ),
    (
        "Error setting profile",
        |_| ErrorKind::InvalidSetting { name: "profile".into() },
        "libx264 has no such profile, or the pixel format does not fit it",
    ),
    (
        "does not support non seekable output",
        |_| ErrorKind::Unsupported,
        "this container is finished by going back to its beginning: write it to what can seek (to_write_seek), or in fragments",
    ),
    ("moov atom not found", |_| ErrorKind::InvalidData, "the file has no index: it is truncated or was never finished"),
];

/// The kind of an error, and what is known to help. `patterns` are those of the backends.
pub(crate) fn classify<'p>(
    code: i32,
    log: &[Line],
    patterns: impl IntoIterator<Item = &'p Pattern>,
) -> (ErrorKind, Option<String>) {
    let matched = patterns.into_iter().chain(PATTERNS).find_map(|(text, kind, detail)| {
        let line = log.iter().find(|line| line.text.contains(text))?;
        Some((kind(&line.text), Some(detail.to_string())))
    });
    matched.unwrap_or_else(|| (averror::kind(code), None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi;

    fn diagnose(code: i32, text: &str) -> (ErrorKind, Option<String>) {
        let line = Line { level: log::Level::Error, class: "mov".into(), text: text.into() };
        classify(code, &[line], &[])
    }

    #[test]
    fn a_known_line_tells_more_than_the_code() {
        let (kind, help) = diagnose(ffi::AVERROR_EINVAL, "moov atom not found");
        assert_eq!(kind, ErrorKind::InvalidData);
        assert!(help.unwrap().contains("truncated"));
    }

    #[test]
    fn without_a_known_line_the_code_decides() {
        assert_eq!(diagnose(ffi::AVERROR_ENOMEM, "something else"), (ErrorKind::OutOfMemory, None));
        assert_eq!(classify(ffi::AVERROR_INVALIDDATA, &[], &[]).0, ErrorKind::InvalidData);
    }
}
