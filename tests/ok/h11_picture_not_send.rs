//! Counted atomically.
use avsluice::*;
use std::sync::Arc;

struct Rendered(Arc<[(cuda::Pointer, usize)]>);
// SAFETY: never imported; an implementation of the application's says here who keeps the memory.
unsafe impl cuda::Picture for Rendered {
    fn planes(&self) -> &[(cuda::Pointer, usize)] {
        &self.0
    }
}

fn main() {}
