//! Declared before it.
use avsluice::*;

fn case(stream: &Stream) -> Result<()> {
    let device = Device::cuda(0)?;
    let decoder;
    decoder = Decoder::new(&device, stream).open()?;
    Ok(())
}

fn main() {}
