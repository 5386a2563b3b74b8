//! A decoder whose end of stream was sent.

use super::{Closed, Decoder, Opened, Output, Running};
use crate::{
    Failed, Limit, Result,
    codec::Running as _,
    raw::sealed::Checked,
    teardown::{self, Drain, Overdue},
};
use std::time::{Duration, Instant};

/// End of stream sent; frames still come out.
pub struct Flushing {
    running: Box<Running>,
    since: Instant,
}

impl Flushing {
    pub(super) fn new(running: Box<Running>) -> Self {
        Flushing { running, since: Instant::now() }
    }
}

impl<'d, Y: Output> Decoder<'d, Y, Flushing> {
    /// The next frame; `None` when drained.
    ///
    /// # Errors
    /// `DrainStalled` if the codec gives neither frame nor end within the default [`Limit`]; what the codec reports.
    pub fn receive(&mut self) -> Result<Option<Y::Frame<'d>>> {
        let frame = self.state.running.drain(&mut Drain::new(Limit::default()))?;
        Ok(frame.map(|frame| Y::wrap(Checked(frame))))
    }
    /// Drains into `sink`, then closes.
    ///
    /// # Errors
    /// `DrainStalled` or the sink's error gives the decoder back, to go on or abandon.
    pub fn finish(
        mut self,
        limit: Limit,
        mut sink: impl FnMut(Y::Frame<'d>) -> Result<()>,
    ) -> Result<Decoder<'d, Y, Closed>, Failed<Self>> {
        match self.state.running.drain_into(limit, |frame| sink(Y::wrap(Checked(frame)))) {
            Ok(()) => Ok(self.abandon()),
            Err(error) => Err(Failed::new(error, self)),
        }
    }
    /// Discards what is inside and takes packets again (avcodec_flush_buffers): a drained decoder is used for the next file of the
    /// same format, or from another place of this one.
    pub fn reset(mut self) -> Decoder<'d, Y> {
        self.state.running.reset();
        Decoder::with(Opened { running: self.state.running })
    }
    /// Closes now. What has not come out is lost.
    pub fn abandon(self) -> Decoder<'d, Y, Closed> {
        let drain = self.state.since.elapsed();
        Decoder::with(Closed::close(self.state.running, drain))
    }
}

impl<Y: Output> Decoder<'static, Y, Flushing> {
    /// [`finish`](Decoder::finish) on a helper thread, for drivers that may hang: for shared devices only, since a thread that never
    /// comes back keeps what it has.
    ///
    /// # Errors
    /// [`Overdue`] with the thread to join when the time is over; else what `finish` returns.
    pub fn finish_within(
        self,
        time: Duration,
        limit: Limit,
        sink: impl FnMut(Y::Frame<'static>) -> Result<()> + Send + 'static,
    ) -> Result<
        Result<Decoder<'static, Y, Closed>, Failed<Self>>,
        Overdue<Result<Decoder<'static, Y, Closed>, Failed<Self>>>,
    > {
        teardown::within(time, "finish_within", move || self.finish(limit, sink))
    }
    /// [`abandon`](Decoder::abandon) on a helper thread, for drivers that may hang in the close.
    ///
    /// # Errors
    /// [`Overdue`] with the thread to join when the time is over.
    pub fn close_within(
        self,
        time: Duration,
    ) -> Result<Decoder<'static, Y, Closed>, Overdue<Decoder<'static, Y, Closed>>> {
        teardown::within(time, "close_within", move || self.abandon())
    }
}
