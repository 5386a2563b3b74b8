//! A decoder whose codec is closed.

use super::{Decoder, Output, Running};
use crate::TeardownReport;
use std::time::Duration;

/// Codec closed, hardware released.
pub struct Closed {
    running: Box<Running>,
    report: TeardownReport,
}

impl Closed {
    pub(super) fn close(mut running: Box<Running>, drain: Duration) -> Self {
        let mut report = running.core.close(drain);
        // A packet need not hold a frame: what is missing shows in `damaged` and the outcome.
        report.lost = 0;
        Closed { running, report }
    }
}

impl<Y: Output> Decoder<'_, Y, Closed> {
    /// What happened, but for the time of the freeing.
    pub fn report(&self) -> &TeardownReport {
        &self.state.report
    }
    /// Frees the context (avcodec_free_context), which completes the report.
    pub fn free(self) -> TeardownReport {
        let Closed { mut running, mut report } = self.state;
        running.core.free(&mut report);
        report
    }
}
