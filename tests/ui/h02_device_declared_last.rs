//! Declared after the decoder, the device is dropped before it.
#![allow(unused_variables, unused_assignments)]
use avsluice::*;

fn case(stream: &Stream) -> Result<()> {
    let decoder;
    let device = Device::cuda(0)?;
    decoder = Decoder::new(&device, stream).open()?;
    Ok(())
}

fn main() {}
