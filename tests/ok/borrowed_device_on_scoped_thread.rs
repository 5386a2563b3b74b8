//! A thread that ends in time may use what borrows the device.
use avsluice::*;

fn case(device: &Device<Cuda>, stream: &Stream) -> Result<()> {
    let mut decoder = Decoder::new(device, stream).open()?;
    std::thread::scope(|scope| scope.spawn(move || decoder.receive().map(drop)).join().unwrap())
}

fn main() {}
