//! The application's picture is borrowed: it could be freed under the encoder.
use avsluice::*;

struct Lent<'a>(&'a [(cuda::Pointer, usize)]);
unsafe impl<'a> cuda::Picture for Lent<'a> {
    fn planes(&self) -> &[(cuda::Pointer, usize)] {
        self.0
    }
}

fn main() {}
