//! The decoder goes first.
use avsluice::*;

fn case(device: Device<Cuda>, stream: &Stream) -> Result<()> {
    let decoder = Decoder::new(&device, stream).open()?;
    drop(decoder);
    drop(device);
    Ok(())
}

fn main() {}
