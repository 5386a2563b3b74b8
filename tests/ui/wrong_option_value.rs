//! Each codec has its own presets.
use avsluice::*;

fn case() {
    let _ = nvenc::H264::new().preset(x264::Preset::Slow);
}

fn main() {}
