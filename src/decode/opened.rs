//! An open decoder.

use super::{Closed, Decoder, Flushing, Frames, Output, core::DecoderCore};
use crate::{
    Failed, Packet, Result,
    codec::{Codec, Ready, Receive},
    raw::sealed::Checked,
};
use std::time::Duration;

/// An open AVCodecContext.
pub struct Opened {
    pub(super) core: Box<DecoderCore>,
}

impl<'d, Y: Output> Decoder<'d, Y> {
    /// Takes a packet, and gives the frames that are ready (avcodec_send_packet). Damaged packets are skipped and counted in the
    /// report: decoding goes on.
    ///
    /// # Errors
    /// The packet comes back. `WrongStream` if it is of another stream than the decoder was opened for (see
    /// [`Packet::trusted`](crate::Packet::trusted)); `NotReset` after a seek without a reset; `Unsupported` if the device cannot decode this stream; `PoolExhausted` if too many of the decoder's
    /// own surfaces are held; `Full` only after frames were left in the last `Ready`.
    pub fn send(&mut self, mut packet: Packet) -> Result<Ready<'_, Y::Frame<'d>>, Failed<Packet>> {
        match self.state.core.send(&mut packet) {
            Ok(()) => Ok(Ready::new(self)),
            Err(error) => Err(Failed::new(error, packet)),
        }
    }
    /// A frame that became ready since; `None` when there is none now (avcodec_receive_frame).
    ///
    /// # Errors
    /// As [`send`](Decoder::send).
    pub fn receive(&mut self) -> Result<Option<Y::Frame<'d>>> {
        Receive::receive(self)
    }
    /// Damaged packets skipped so far: no frame came of them, or not a whole one.
    pub fn damaged(&self) -> u64 {
        self.state.core.core.damaged
    }
    /// Damaged frames that have come out so far ([`Frame::is_damaged`](crate::Frame::is_damaged)).
    pub fn damaged_frames(&self) -> u64 {
        self.state.core.core.damaged_frames
    }
    /// Discards what is inside (avcodec_flush_buffers), as is due after a seek: the next packet starts anew.
    pub fn reset(&mut self) {
        self.state.core.reset();
    }
    /// Sends the end of stream; frames still come out.
    ///
    /// # Errors
    /// What the codec reports; the error carries the decoder closed.
    pub fn flush(self) -> Result<Decoder<'d, Y, Flushing>, Failed<Decoder<'d, Y, Closed>>> {
        let mut core = self.state.core;
        match core.end_stream() {
            Ok(()) => Ok(Decoder::with(Flushing::new(core))),
            Err(error) => Err(Failed::new(error, Decoder::with(Closed::close(core, Duration::ZERO)))),
        }
    }
    /// Pulls: reads `packets` as frames are asked for, and flushes at their end.
    pub fn frames<P: Iterator<Item = Result<Packet>>>(self, packets: P) -> Frames<'d, Y, P> {
        Frames::new(self, packets)
    }
}

impl<'d, Y: Output> Receive<Y::Frame<'d>> for Decoder<'d, Y> {
    fn receive(&mut self) -> Result<Option<Y::Frame<'d>>> {
        Ok(Codec::receive(&mut *self.state.core)?.map(|frame| Y::wrap(Checked(frame))))
    }
}
