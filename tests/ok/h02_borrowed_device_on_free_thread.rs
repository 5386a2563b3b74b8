//! The device is shared and counted.
use avsluice::*;

fn case(device: std::sync::Arc<Device<Cuda>>, stream: Stream) -> Result<()> {
    let mut decoder = Decoder::new(&device, &stream).open()?;
    std::thread::spawn(move || decoder.receive().map(drop));
    Ok(())
}

fn main() {}
