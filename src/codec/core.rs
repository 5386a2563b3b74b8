//! What encoders and decoders have in common once they are open: the context, the counts, the poison, the close.

use crate::{
    Error, ErrorKind, Outcome, Result, Settle, Teardown, TeardownReport,
    error::line::Line,
    raw::{BufferRef, CodecContext, RawFrame},
};
use std::{
    collections::VecDeque,
    thread,
    time::{Duration, Instant},
};

/// An open codec. Its fields are dropped in this order: the context before the device.
pub(crate) struct Core {
    pub(crate) context: CodecContext,
    /// The device that the codec works on, to settle it, and so that it outlives the codec.
    device: Option<BufferRef>,
    teardown: Teardown,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// Damaged packets that were skipped.
    pub(crate) damaged: u64,
    /// Frames that came out damaged.
    pub(crate) damaged_frames: u64,
    /// The hard error after which nothing more can be sent.
    poison: Option<Error>,
    /// The codec has reported its end.
    pub(crate) ended: bool,
    closed: bool,
    /// Lines for the report: soft errors, and what was logged in calls that succeeded.
    log: Vec<String>,
    /// What the hardware may still read, where it must be waited for frame by frame.
    reading: VecDeque<RawFrame>,
}

/// Lines kept for the report. The first ones name the cause; a broken stream can log thousands.
const LINES_KEPT: usize = 64;

impl Core {
    pub(crate) fn new(context: CodecContext, device: Option<BufferRef>, teardown: Teardown) -> Self {
        Core {
            context,
            device,
            teardown,
            sent: 0,
            received: 0,
            damaged: 0,
            damaged_frames: 0,
            poison: None,
            ended: false,
            closed: false,
            log: Vec::new(),
            reading: VecDeque::new(),
        }
    }
    /// Counts a packet, whose frame is not in flight any more: they have one presentation time.
    #[inline]
    pub(crate) fn note_received(&mut self, pts: Option<i64>) {
        self.received += 1;
        if let Some(place) = self.reading.iter().position(|frame| frame.pts() == pts) {
            self.reading.remove(place);
        }
    }
    /// Counts a frame that was sent, and keeps a reference to it until its packet is out if it is to be waited for by itself.
    #[inline]
    pub(crate) fn note_sent(&mut self, frame: &RawFrame) {
        self.sent += 1;
        if frame.kind().is_some_and(|kind| kind.is(|backend| backend.waits_for_frames())) {
            // Without memory for a reference there is no wait for this one: the codec's close waits by itself.
            self.reading.extend(frame.try_clone());
        }
    }
    /// Frames sent and not received.
    pub(crate) fn in_flight(&self) -> usize {
        usize::try_from(self.sent.saturating_sub(self.received)).unwrap_or(usize::MAX)
    }
    pub(super) fn stalled(&self) -> Error {
        Error::new(ErrorKind::DrainStalled { in_flight: self.in_flight() }, "drain")
    }
    pub(crate) fn poisoned(&self) -> Option<&Error> {
        self.poison.as_ref()
    }
    /// The error that a call on a poisoned codec gives.
    #[inline]
    pub(crate) fn refuse_if_poisoned(&self) -> Result<()> {
        self.poison.as_ref().map_or(Ok(()), |cause| Err(is_poisoned(cause)))
    }
    /// Poisons the codec, and gives the error to return.
    pub(crate) fn poison(&mut self, error: Error) -> Error {
        let error = error.fatal();
        self.poison = Some(error.again());
        error
    }
    /// Keeps lines that FFmpeg logged during a call that succeeded.
    #[inline]
    pub(crate) fn keep(&mut self, lines: Vec<Line>) {
        if !lines.is_empty() {
            self.keep_some(lines);
        }
    }
    #[cold]
    fn keep_some(&mut self, lines: Vec<Line>) {
        let room = LINES_KEPT.saturating_sub(self.log.len());
        self.log.extend(lines.into_iter().take(room).map(|line| line.to_string()));
    }
    /// Notes a damaged packet that was skipped.
    pub(crate) fn skip_damaged(&mut self, error: &Error) {
        self.damaged += 1;
        if self.log.len() < LINES_KEPT {
            self.log.push(error.to_string());
        }
    }
    /// Settles and closes the codec, as the outcome asks.
    pub(crate) fn close(&mut self, drain: Duration) -> TeardownReport {
        let outcome = match self.poison.take() {
            Some(error) => Outcome::Poisoned(error),
            None if self.ended => Outcome::Drained,
            None => Outcome::Abandoned { in_flight: self.in_flight() },
        };
        let settling = Instant::now();
        if let Err(error) = self.settle(matches!(outcome, Outcome::Drained)) {
            self.log.push(error.to_string());
        }
        let closing = Instant::now();
        let lines = self.context.close();
        self.reading.clear();
        self.keep(lines);
        self.closed = true;
        TeardownReport {
            sent: self.sent,
            received: self.received,
            lost: self.sent.saturating_sub(self.received),
            damaged: self.damaged,
            damaged_frames: self.damaged_frames,
            outcome,
            drain,
            settle: closing - settling,
            close: closing.elapsed(),
            free: Duration::ZERO,
            log: std::mem::take(&mut self.log),
        }
    }
    fn settle(&self, drained: bool) -> Result<()> {
        match (self.teardown.settle, &self.device) {
            (Settle::None, _) => {}
            (Settle::Delay(time), _) => thread::sleep(time),
            (Settle::Synchronize, Some(device)) if !drained => {
                device.synchronize()?;
                self.reading.iter().try_for_each(RawFrame::synchronize)?;
            }
            (Settle::Synchronize, _) => {}
        }
        Ok(())
    }
    /// Frees what the close left, which completes the report.
    pub(crate) fn free(&mut self, report: &mut TeardownReport) {
        let freeing = Instant::now();
        self.context.free();
        report.free = freeing.elapsed();
    }
}

#[cold]
fn is_poisoned(cause: &Error) -> Error {
    let detail = format!("an earlier error poisoned the codec, which takes nothing more: {cause}");
    let error = Error::new(ErrorKind::Poisoned, cause.operation()).detail(detail);
    error.with_source(cause.again()).fatal()
}

impl Drop for Core {
    /// The safety net: no loop, no wait of ours, no panic. The context's own drop closes the codec.
    fn drop(&mut self) {
        if self.closed || self.ended || self.poison.is_some() || self.sent == 0 {
            return;
        }
        let name = self.context.name();
        crate::error::guard::say!(
            Warn,
            "{name} dropped without a flush: {} of {} sent never came out",
            self.in_flight(),
            self.sent
        );
    }
}
