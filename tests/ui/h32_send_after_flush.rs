//! Nothing is sent after the end of the stream.
use avsluice::*;

fn case<'d>(mut encoder: Encoder<'d, Cuda>, frame: Frame<'d, Cuda>) {
    let _flushing = encoder.flush();
    let _ = encoder.send(frame);
}

fn main() {}
