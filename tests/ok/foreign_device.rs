//! An application passes it on.
use avsluice::*;

fn case<'d>(gpu: impl AsDevice<'d, Memory = Cuda>, stream: &Stream) {
    let _ = Decoder::new(gpu, stream);
}

fn main() {}
