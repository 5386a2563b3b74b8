//! One line of FFmpeg's log.

use std::fmt;

/// One message of FFmpeg's, a warning or worse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Error or Warn.
    pub(crate) level: log::Level,
    /// Who logged it: the codec's or format's name, else the AVClass's; empty for a message of no object.
    pub(crate) class: String,
    /// The message, on one line, with no control characters.
    pub(crate) text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Message(&self.class, &self.text), f)
    }
}

/// A line as it is shown, with nothing allocated.
pub(crate) struct Message<'a>(pub(crate) &'a str, pub(crate) &'a str);

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Message(class, text) = self;
        if class.is_empty() { f.write_str(text) } else { write!(f, "{class}: {text}") }
    }
}
