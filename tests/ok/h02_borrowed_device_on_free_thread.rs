//! The device is shared and counted.
use avsluice::*;

/// Asks what `thread::spawn` asks.
fn spawn(_: impl FnOnce() + Send + 'static) {}

fn case(device: std::sync::Arc<Device<Cuda>>, stream: Stream) -> Result<()> {
    let mut decoder = Decoder::new(&device, &stream).open()?;
    spawn(move || drop(decoder.receive()));
    Ok(())
}

fn main() {}
