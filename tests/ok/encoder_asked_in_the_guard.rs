//! The error itself says whether it is fatal.
use avsluice::*;

fn case<'d>(encoder: &mut Encoder<'d, Cuda>, frame: Frame<'d, Cuda>) -> usize {
    match encoder.send(frame) {
        Ok(packets) => packets.count(),
        Err(failed) if failed.error().is_fatal() => 0,
        Err(_) => 1,
    }
}

fn main() {}
