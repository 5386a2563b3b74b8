//! Each codec has its own presets.
use avsluice::*;

fn case() {
    let _ = x264::H264::new().preset(nvenc::Preset::P6);
}

fn main() {}
