//! Typed options of libx264.
#![forbid(unsafe_code)]

use crate::{
    System,
    encode::{Encodes, Options, Setting},
};

/// `libx264`: encodes frames in host memory.
#[derive(Clone, Debug)]
pub struct H264 {
    settings: Vec<Setting>,
}
impl Default for H264 {
    fn default() -> Self {
        Self::new()
    }
}
impl H264 {
    /// FFmpeg's defaults, but for `forced-idr`.
    pub fn new() -> Self {
        H264 { settings: vec![Setting::new("forced-idr", 1)] }
    }
    /// Sets an option by FFmpeg's name.
    pub fn set(mut self, name: &str, value: impl ToString) -> Self {
        self.settings.push(Setting::new(name, value));
        self
    }
}
impl Options for H264 {
    fn name(&self) -> &str {
        "libx264"
    }
    fn settings(&self) -> Vec<Setting> {
        self.settings.clone()
    }
    fn rereads_bit_rate(&self) -> bool {
        true
    }
}
impl Encodes<System> for H264 {}
