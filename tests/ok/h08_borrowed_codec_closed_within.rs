//! The device is shared and counted.
use avsluice::*;

fn case(flushing: Encoder<'static, Cuda, encode::Flushing>) {
    let _ = flushing.close_within(std::time::Duration::from_secs(2));
}

fn main() {}
