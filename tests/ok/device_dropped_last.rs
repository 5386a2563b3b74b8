//! The order of things: the decoder, then the device.
use avsluice::*;

fn case(device: Device<Cuda>, stream: &Stream) -> Result<()> {
    let decoder = Decoder::new(&device, stream).open()?;
    drop(decoder);
    device.close()?;
    Ok(())
}

fn main() {}
