//! One option by FFmpeg's name.

/// One option (AVOption) and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// FFmpeg's name of it.
    pub name: String,
    /// Its value, as FFmpeg reads it.
    pub value: String,
    /// The FFmpeg release that has it, if not all do that avsluice runs on.
    pub since: Option<&'static str>,
}

impl Setting {
    /// An option that every FFmpeg has.
    pub fn new(name: impl Into<String>, value: impl ToString) -> Self {
        Setting { name: name.into(), value: value.to_string(), since: None }
    }
    /// An option that came with a later FFmpeg: where it is missing, `open` says which release has it.
    pub fn since(mut self, release: &'static str) -> Self {
        self.since = Some(release);
        self
    }
}
