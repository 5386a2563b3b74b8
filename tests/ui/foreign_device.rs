//! What can be built on is a closed set.
use avsluice::*;

struct Gpu;
impl AsDevice<'static> for Gpu {
    type Memory = Cuda;
}

fn main() {}
