//! The one `&mut` to it goes to the other thread.
use avsluice::*;

/// Runs both at once.
fn join(_: impl FnOnce() + Send, _: impl FnOnce() + Send) {}

fn case(input: &mut Demuxer) {
    join(move || assert!(!input.format().is_empty()), || ());
}

fn main() {}
