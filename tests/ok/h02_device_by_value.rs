//! It borrows it.
use avsluice::*;

fn case(device: Device<Cuda>, stream: &Stream) {
    let _ = Decoder::new(&device, stream);
}

fn main() {}
