//! Where to go in a file, and what is reset then.

/// What has packets of one place inside, and forgets them: a decoder, a bitstream filter, several of them, or `()`.
pub trait Reset {
    /// Discards what is inside.
    fn reset(&mut self);
}

impl Reset for () {
    fn reset(&mut self) {}
}
impl<R: Reset + ?Sized> Reset for &mut R {
    fn reset(&mut self) {
        (**self).reset();
    }
}
impl<R: Reset> Reset for [R] {
    fn reset(&mut self) {
        self.iter_mut().for_each(R::reset);
    }
}
impl<A: Reset, B: Reset> Reset for (A, B) {
    fn reset(&mut self) {
        self.0.reset();
        self.1.reset();
    }
}
impl<Y: crate::decode::Output> Reset for crate::Decoder<'_, Y> {
    fn reset(&mut self) {
        crate::Decoder::<'_, Y, crate::decode::Opened>::reset(self);
    }
}
