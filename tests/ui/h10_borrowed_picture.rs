//! The application's picture is borrowed: it could be freed under the encoder.
use avsluice::*;

struct Lent<'a>(&'a [(cuda::Pointer, usize)]);
unsafe impl cuda::Picture for Lent<'_> {
    fn planes(&self) -> &[(cuda::Pointer, usize)] {
        self.0
    }
}

fn main() {}
