//! Typed options of mpeg4.
#![forbid(unsafe_code)]

use crate::{
    System,
    encode::{Encodes, Options, Setting},
};

/// `mpeg4`: encodes frames in host memory.
#[derive(Clone, Debug)]
pub struct Mpeg4 {
    settings: Vec<Setting>,
}
impl Default for Mpeg4 {
    fn default() -> Self {
        Self::new()
    }
}
impl Mpeg4 {
    /// FFmpeg's defaults.
    pub fn new() -> Self {
        Mpeg4 { settings: Vec::new() }
    }
    /// Sets an option by FFmpeg's name.
    pub fn set(mut self, name: &str, value: impl ToString) -> Self {
        self.settings.push(Setting::new(name, value));
        self
    }
}
impl Options for Mpeg4 {
    fn name(&self) -> &str {
        "mpeg4"
    }
    fn settings(&self) -> Vec<Setting> {
        self.settings.clone()
    }
}
impl Encodes<System> for Mpeg4 {}
