//! The encoder is flushed away while packets are still taken from it.
use avsluice::*;

fn case<'d>(mut encoder: Encoder<'d, Cuda>, frame: Frame<'d, Cuda>) -> Result<usize> {
    let packets = encoder.send(frame)?;
    encoder.flush()?.abandon().free();
    Ok(packets.count())
}

fn main() {}
