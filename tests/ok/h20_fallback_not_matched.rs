//! Both cases are named.
use avsluice::*;

fn case<'d>(decoder: Decoder<'d, Cuda, decode::Configured>, encoder: &mut Encoder<'d, Cuda>) -> Result<()> {
    let mut decoder = decoder.or_system().open()?;
    while let Some(frame) = decoder.receive()? {
        let frame = match frame {
            Decoded::Device(frame) => frame,
            Decoded::System(frame) => panic!("{frame:?} is in host memory"),
        };
        let _ = encoder.send(frame);
    }
    Ok(())
}

fn main() {}
