//! A thread that may outlive the device's owner uses a decoder that borrows the device.
use avsluice::*;

/// Asks what `thread::spawn` asks.
fn spawn(_: impl FnOnce() + Send + 'static) {}

fn case(device: Device<Cuda>, stream: Stream) -> Result<()> {
    let mut decoder = Decoder::new(&device, &stream).open()?;
    spawn(move || drop(decoder.receive()));
    Ok(())
}

fn main() {}
