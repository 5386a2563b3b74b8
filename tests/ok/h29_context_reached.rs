//! What may be asked of it has a name.
use avsluice::*;

fn case(encoder: &mut Encoder<Cuda>) {
    let _ = encoder.in_flight();
}

fn main() {}
