//! Typed options of FFmpeg's nvenc encoders.
#![forbid(unsafe_code)]

use crate::{
    Cuda, System,
    encode::{Encodes, Options, Setting},
};

/// `h264_nvenc`: encodes frames in CUDA or host memory.
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
        "h264_nvenc"
    }
    fn settings(&self) -> Vec<Setting> {
        self.settings.clone()
    }
    fn rereads_bit_rate(&self) -> bool {
        true
    }
}
impl Encodes<Cuda> for H264 {}
impl Encodes<System> for H264 {}

/// `hevc_nvenc`: encodes frames in CUDA or host memory.
#[derive(Clone, Debug)]
pub struct Hevc {
    settings: Vec<Setting>,
}
impl Default for Hevc {
    fn default() -> Self {
        Self::new()
    }
}
impl Hevc {
    /// FFmpeg's defaults, but for `forced-idr`.
    pub fn new() -> Self {
        Hevc { settings: vec![Setting::new("forced-idr", 1)] }
    }
    /// Sets an option by FFmpeg's name.
    pub fn set(mut self, name: &str, value: impl ToString) -> Self {
        self.settings.push(Setting::new(name, value));
        self
    }
}
impl Options for Hevc {
    fn name(&self) -> &str {
        "hevc_nvenc"
    }
    fn settings(&self) -> Vec<Setting> {
        self.settings.clone()
    }
    fn rereads_bit_rate(&self) -> bool {
        true
    }
}
impl Encodes<Cuda> for Hevc {}
impl Encodes<System> for Hevc {}
