//! A closed device is gone.
use avsluice::*;

fn case(device: Device<Cuda>) {
    let _ = device.close();
    let _ = device.close();
}

fn main() {}
