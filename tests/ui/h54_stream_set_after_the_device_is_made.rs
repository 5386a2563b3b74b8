//! The CUDA stream is chosen before the device is made.
use avsluice::*;

fn case(device: &mut Device<Cuda>, stream: cuda::Stream) {
    device.set_stream(stream);
}

fn main() {}
