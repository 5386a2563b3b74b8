//! `receive` does not.
use avsluice::*;

fn case<'d>(encoder: &mut Encoder<'d, Cuda>, frame: Frame<'d, Cuda>) -> Result<()> {
    let _ = encoder.send(frame)?;
    while let Some(packet) = encoder.receive()? {
        if packet.data().len() > 100_000 {
            encoder.set_bit_rate(1_000_000)?;
        }
    }
    Ok(())
}

fn main() {}
