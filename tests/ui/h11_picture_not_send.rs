//! An imported picture is dropped on the encoder's thread: it may not count without atomics.
use avsluice::*;
use std::rc::Rc;

struct Rendered(Rc<[(cuda::Pointer, usize)]>);
unsafe impl cuda::Picture for Rendered {
    fn planes(&self) -> &[(cuda::Pointer, usize)] {
        &self.0
    }
}

fn main() {}
