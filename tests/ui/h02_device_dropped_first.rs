//! The device is dropped while a decoder lives that nothing uses any more: `Scope` implements `Drop` for this case.
#![allow(unused_variables)]
use avsluice::*;

fn case(device: Device<Cuda>, stream: &Stream) -> Result<()> {
    let decoder = Decoder::new(&device, stream).open()?;
    drop(device);
    Ok(())
}

fn main() {}
