//! A flushing encoder takes no frame.
use avsluice::*;

fn case<'d>(mut flushing: Encoder<'d, Cuda, encode::Flushing>, frame: Frame<'d, Cuda>) {
    let _ = flushing.send(frame);
}

fn main() {}
