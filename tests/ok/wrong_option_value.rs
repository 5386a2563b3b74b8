//! libx264's.
use avsluice::*;

fn case() {
    let _ = x264::H264::new().preset(x264::Preset::Slow);
}

fn main() {}
