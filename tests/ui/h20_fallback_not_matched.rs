//! A decoder that may fall back to software says so of each frame: it cannot be overlooked.
use avsluice::*;

fn case<'d>(decoder: Decoder<'d, Cuda, decode::Configured>, encoder: &mut Encoder<'d, Cuda>) -> Result<()> {
    let mut decoder = decoder.or_system().open()?;
    while let Some(frame) = decoder.receive()? {
        let _ = encoder.send(frame);
    }
    Ok(())
}

fn main() {}
