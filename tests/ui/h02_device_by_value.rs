//! A decoder does not take the device over: one owner says when it goes.
use avsluice::*;

fn case(device: Device<Cuda>, stream: &Stream) {
    let _ = Decoder::new(device, stream);
}

fn main() {}
