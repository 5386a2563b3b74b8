//! NVENC's.
use avsluice::*;

fn case() {
    let _ = nvenc::H264::new().preset(nvenc::Preset::P6);
}

fn main() {}
