//! What a codec gives after a call.

use crate::Result;

/// What a codec gives now; what is not taken stays inside for the next call. It ends after an error, so that a loop
/// that passes over errors ends too.
#[must_use = "take the output that is ready, or it waits for the next call"]
pub struct Ready<'c, T> {
    codec: &'c mut (dyn Receive<T> + Send),
    failed: bool,
}

/// A codec that `T`s can be taken from.
pub(crate) trait Receive<T> {
    /// `None` when there is none now.
    fn receive(&mut self) -> Result<Option<T>>;
}

impl<'c, T> Ready<'c, T> {
    pub(crate) fn new(codec: &'c mut (dyn Receive<T> + Send)) -> Self {
        Ready { codec, failed: false }
    }
}

impl<T> Iterator for Ready<'_, T> {
    type Item = Result<T>;
    fn next(&mut self) -> Option<Result<T>> {
        if self.failed {
            return None;
        }
        let next = self.codec.receive().transpose();
        self.failed = matches!(next, Some(Err(_)));
        next
    }
}

impl<T> std::fmt::Debug for Ready<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ready")
    }
}

#[cfg(test)]
mod tests {
    use super::{Ready, Receive};
    use crate::{Error, ErrorKind, Result};

    struct Failing(u32);
    impl Receive<u32> for Failing {
        fn receive(&mut self) -> Result<Option<u32>> {
            self.0 += 1;
            if self.0 == 1 { Ok(Some(7)) } else { Err(Error::new(ErrorKind::Poisoned, "test")) }
        }
    }

    #[test]
    fn what_is_ready_ends_after_an_error() {
        let mut codec = Failing(0);
        let ready: Vec<_> = Ready::new(&mut codec).take(10).collect();
        assert!(matches!(&ready[..], [Ok(7), Err(_)]), "{ready:?}");
    }
}
