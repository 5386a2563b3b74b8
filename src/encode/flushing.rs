//! An encoder whose end of stream was sent.

use super::{Closed, Encoder, Running};
use crate::{
    Failed, Limit, Memory, Packet, Result,
    codec::Running as _,
    teardown::{self, Drain, Overdue},
};
use std::time::{Duration, Instant};

/// End of stream sent; packets still come out.
pub struct Flushing {
    running: Box<Running>,
    since: Instant,
}

impl Flushing {
    pub(super) fn new(running: Box<Running>) -> Self {
        Flushing { running, since: Instant::now() }
    }
}

impl<'d, M: Memory> Encoder<'d, M, Flushing> {
    /// The next packet; `None` when drained.
    ///
    /// # Errors
    /// `DrainStalled` if the codec gives neither packet nor end within the default [`Limit`]; what the codec reports.
    pub fn receive(&mut self) -> Result<Option<Packet>> {
        self.state.running.drain(&mut Drain::new(Limit::default()))
    }
    /// Frames sent whose packets have not come out.
    pub fn in_flight(&self) -> usize {
        self.state.running.core.in_flight()
    }
    /// Drains into `sink`, then closes.
    ///
    /// # Errors
    /// `DrainStalled` or the sink's error gives the encoder back, to go on or abandon.
    pub fn finish(
        mut self,
        limit: Limit,
        sink: impl FnMut(Packet) -> Result<()>,
    ) -> Result<Encoder<'d, M, Closed>, Failed<Self>> {
        match self.state.running.drain_into(limit, sink) {
            Ok(()) => Ok(self.abandon()),
            Err(error) => Err(Failed::new(error, self)),
        }
    }
    /// Closes now. What has not come out is lost, and counted in the report.
    pub fn abandon(self) -> Encoder<'d, M, Closed> {
        let drain = self.state.since.elapsed();
        Encoder::with(Closed::close(self.state.running, drain))
    }
}

impl<M: Memory> Encoder<'static, M, Flushing> {
    /// [`finish`](Encoder::finish) on a helper thread, for drivers that may hang: for shared devices only, since a thread that never
    /// comes back keeps what it has.
    ///
    /// # Errors
    /// [`Overdue`] with the thread to join when the time is over; else what `finish` returns.
    pub fn finish_within(
        self,
        time: Duration,
        limit: Limit,
        sink: impl FnMut(Packet) -> Result<()> + Send + 'static,
    ) -> Result<
        Result<Encoder<'static, M, Closed>, Failed<Self>>,
        Overdue<Result<Encoder<'static, M, Closed>, Failed<Self>>>,
    > {
        teardown::within(time, "finish_within", move || self.finish(limit, sink))
    }
    /// [`abandon`](Encoder::abandon) on a helper thread, for drivers that may hang in the close.
    ///
    /// # Errors
    /// [`Overdue`] with the thread to join when the time is over.
    pub fn close_within(
        self,
        time: Duration,
    ) -> Result<Encoder<'static, M, Closed>, Overdue<Encoder<'static, M, Closed>>> {
        teardown::within(time, "close_within", move || self.abandon())
    }
}
