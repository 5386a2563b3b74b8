//! A close that may be left behind on its thread takes codecs of shared devices only.
use avsluice::*;

fn case<'d>(flushing: Encoder<'d, Cuda, encode::Flushing>) {
    let _ = flushing.close_within(std::time::Duration::from_secs(2));
}

fn main() {}
