//! The packets are taken first.
use avsluice::*;

fn case<'d>(mut encoder: Encoder<'d, Cuda>, frame: Frame<'d, Cuda>) -> Result<usize> {
    let packets = encoder.send(frame)?.count();
    encoder.flush()?.abandon().free();
    Ok(packets)
}

fn main() {}
