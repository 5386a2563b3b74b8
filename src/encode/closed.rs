//! An encoder whose codec is closed.

use super::{Encoder, Running};
use crate::{Memory, TeardownReport};
use std::time::Duration;

/// Codec closed, hardware released.
pub struct Closed {
    running: Box<Running>,
    report: TeardownReport,
}

impl Closed {
    pub(super) fn close(mut running: Box<Running>, drain: Duration) -> Self {
        let report = running.core.close(drain);
        Closed { running, report }
    }
}

impl<M: Memory> Encoder<'_, M, Closed> {
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
