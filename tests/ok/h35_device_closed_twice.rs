//! A close that failed gives it back.
use avsluice::*;

fn case(device: Device<Cuda>) {
    if let Err(failed) = device.close() {
        let _ = failed.into_value().close();
    }
}

fn main() {}
