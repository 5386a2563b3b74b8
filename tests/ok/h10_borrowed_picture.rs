//! It owns what it shows.
use avsluice::*;

struct Owned(Box<[(cuda::Pointer, usize)]>);
// SAFETY: never imported; an implementation of the application's says here who keeps the memory.
unsafe impl cuda::Picture for Owned {
    fn planes(&self) -> &[(cuda::Pointer, usize)] {
        &self.0
    }
}

fn main() {}
