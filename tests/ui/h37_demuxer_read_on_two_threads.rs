//! A demuxer is not `Sync`: even to ask it something takes the one thread that owns it.
use avsluice::*;

/// Runs both at once.
fn join(_: impl FnOnce() + Send, _: impl FnOnce() + Send) {}

fn case(input: &Demuxer) {
    join(|| assert!(!input.format().is_empty()), || ());
}

fn main() {}
