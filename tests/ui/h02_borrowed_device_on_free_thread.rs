//! A thread that may outlive the device's owner uses a decoder that borrows the device.
use avsluice::*;

fn case(device: Device<Cuda>, stream: Stream) -> Result<()> {
    let mut decoder = Decoder::new(&device, &stream).open()?;
    std::thread::spawn(move || decoder.receive().map(drop));
    Ok(())
}

fn main() {}
