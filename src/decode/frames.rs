//! The frames of a stream as an iterator.

use super::{Closed, Decoded, Decoder, Flushing, OrSystem, Output};
use crate::{DeviceMemory, Error, ErrorKind, FramePool, Memory, Packet, Result};
use std::time::Duration;

/// The frames of a stream, to its end. It owns the decoder and takes it through its states.
#[must_use]
pub struct Frames<'d, Y: Output, P> {
    decoder: Stage<'d, Y>,
    packets: P,
    first: Option<Y::Frame<'d>>,
}

enum Stage<'d, Y: Output> {
    Opened(Decoder<'d, Y>),
    Flushing(Decoder<'d, Y, Flushing>),
    Closed(Decoder<'d, Y, Closed>),
    /// Only while one state becomes the next.
    Between,
}

impl<'d, Y: Output, P: Iterator<Item = Result<Packet>>> Frames<'d, Y, P> {
    pub(super) fn new(decoder: Decoder<'d, Y>, packets: P) -> Self {
        Frames { decoder: Stage::Opened(decoder), packets, first: None }
    }
    /// Decodes up to the first frame, which the next call of `next` gives.
    ///
    /// # Errors
    /// `NoFrame` if the stream has none (left); what the decoder reports.
    pub fn first(&mut self) -> Result<&Y::Frame<'d>> {
        if self.first.is_none() {
            self.first = self.pull()?;
        }
        self.first.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::NoFrame, "decode").detail("the stream has no frame that can be decoded")
        })
    }
    /// The next frame; at the end of the packets the decoder is flushed, at its own end it is closed.
    fn pull(&mut self) -> Result<Option<Y::Frame<'d>>> {
        loop {
            match &mut self.decoder {
                Stage::Opened(decoder) => {
                    if let Some(frame) = decoder.receive()? {
                        return Ok(Some(frame));
                    }
                    match self.packets.next() {
                        Some(packet) => drop(decoder.send(packet?)?),
                        None => self.flush()?,
                    }
                }
                Stage::Flushing(decoder) => match decoder.receive() {
                    Ok(Some(frame)) => return Ok(Some(frame)),
                    Ok(None) => self.shut(),
                    // A decoder that fails here may do so in each call, and never come to its end.
                    Err(error) => {
                        self.shut();
                        return Err(error);
                    }
                },
                Stage::Closed(_) | Stage::Between => return Ok(None),
            }
        }
    }
    fn flush(&mut self) -> Result<()> {
        if let Stage::Opened(decoder) = std::mem::replace(&mut self.decoder, Stage::Between) {
            match decoder.flush() {
                Ok(flushing) => self.decoder = Stage::Flushing(flushing),
                Err(failed) => {
                    let (error, closed) = failed.into_parts();
                    self.decoder = Stage::Closed(closed);
                    return Err(error);
                }
            }
        }
        Ok(())
    }
    fn shut(&mut self) {
        self.decoder = match std::mem::replace(&mut self.decoder, Stage::Between) {
            Stage::Flushing(decoder) => Stage::Closed(decoder.abandon()),
            stage => stage,
        };
    }
    /// Closes the decoder: `Drained` if the iterator had come to its end.
    pub fn close(self) -> Decoder<'d, Y, Closed> {
        match self.decoder {
            Stage::Opened(decoder) => Decoder::with(Closed::close(decoder.state.running, Duration::ZERO)),
            Stage::Flushing(decoder) => decoder.abandon(),
            Stage::Closed(closed) => closed,
            Stage::Between => unreachable!("a stage is always put back, and nothing in between can unwind"),
        }
    }
}

impl<'d, M: Memory, P: Iterator<Item = Result<Packet>>> Frames<'d, M, P> {
    /// The pool of the frames, which exists once the first is decoded: what an encoder is configured with.
    ///
    /// # Errors
    /// As [`first`](Frames::first).
    pub fn pool(&mut self) -> Result<FramePool<'d, M>> {
        Ok(self.first()?.pool())
    }
}

impl<'d, M: DeviceMemory, P: Iterator<Item = Result<Packet>>> Frames<'d, OrSystem<M>, P> {
    /// Whether the first frame was decoded by the device.
    ///
    /// # Errors
    /// As [`first`](Frames::first).
    pub fn is_on_device(&mut self) -> Result<bool> {
        Ok(matches!(self.first()?, Decoded::Device(_)))
    }
}

impl<'d, Y: Output, P: Iterator<Item = Result<Packet>>> Iterator for Frames<'d, Y, P> {
    type Item = Result<Y::Frame<'d>>;
    fn next(&mut self) -> Option<Self::Item> {
        match self.first.take() {
            Some(first) => Some(Ok(first)),
            None => self.pull().transpose(),
        }
    }
}
