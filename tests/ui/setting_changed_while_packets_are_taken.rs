//! What `send` gave still borrows the encoder.
use avsluice::*;

fn case<'d>(encoder: &mut Encoder<'d, Cuda>, frame: Frame<'d, Cuda>) -> Result<()> {
    for packet in encoder.send(frame)? {
        if packet?.data().len() > 100_000 {
            encoder.set_bit_rate(1_000_000)?;
        }
    }
    Ok(())
}

fn main() {}
