//! A poisoned encoder is closed by its flush: its report is not lost.
use avsluice::*;

fn case(encoder: Encoder<Cuda>) -> TeardownReport {
    match encoder.flush() {
        Ok(flushing) => flushing.abandon().free(),
        Err(failed) => failed.into_value().free(),
    }
}

fn main() {}
