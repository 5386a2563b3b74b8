//! The frames of a stream as an iterator.

use super::{Closed, Decoded, Decoder, Flushing, OrSystem, Output};
use crate::{
    DeviceMemory, Error, ErrorKind, FramePool, Memory, Packet, Result,
    demux::Seeks,
    types::seek::{Seek, Time},
};
use std::time::Duration;

/// The frames of a stream, to its end. It owns the decoder and takes it through its states.
///
/// Where 4,096 packets in a row give no frame, `NoFrame` comes out, so that a source without an end cannot hold the
/// caller for ever. The next call goes on. Packets of other streams do not count: a demuxer's
/// [`timeout`](crate::demux::OpenOptions::timeout) and [`Interrupt`](crate::Interrupt) end that wait.
#[must_use]
pub struct Frames<'d, Y: Output, P> {
    decoder: Stage<'d, Y>,
    packets: P,
    first: Option<Y::Frame<'d>>,
    /// The one behind the first, which a seek had to decode.
    second: Option<Y::Frame<'d>>,
}

/// Seconds before a time within which its keyframe is looked for; then the file is decoded from its start.
const FARTHEST: i64 = 64;

/// Packets in a row that may give no frame. A source may have no end: FFmpeg repeats a picture for ever (`loop`), a
/// server sends what is no video.
const FRUITLESS: u32 = 4096;

enum Stage<'d, Y: Output> {
    Opened(Decoder<'d, Y>),
    Flushing(Decoder<'d, Y, Flushing>),
    Closed(Decoder<'d, Y, Closed>),
    /// Only while one state becomes the next.
    Between,
}

impl<'d, Y: Output, P: Iterator<Item = Result<Packet>>> Frames<'d, Y, P> {
    pub(super) fn new(decoder: Decoder<'d, Y>, packets: P) -> Self {
        Frames { decoder: Stage::Opened(decoder), packets, first: None, second: None }
    }
    /// Decodes up to the first frame, which the next call of `next` gives.
    ///
    /// # Errors
    /// `NoFrame` if the stream has none (left); what the decoder reports.
    pub fn first(&mut self) -> Result<&Y::Frame<'d>> {
        if self.first.is_none() {
            self.first = match self.second.take() {
                Some(decoded) => Some(decoded),
                None => self.pull()?,
            };
        }
        self.first.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::NoFrame, "decode").detail("the stream has no frame that can be decoded")
        })
    }
    /// The next frame; at the end of the packets the decoder is flushed, at its own end it is closed.
    fn pull(&mut self) -> Result<Option<Y::Frame<'d>>> {
        let mut fruitless = 0;
        loop {
            match &mut self.decoder {
                Stage::Opened(decoder) => {
                    if let Some(frame) = decoder.receive()? {
                        return Ok(Some(frame));
                    }
                    if fruitless == FRUITLESS {
                        let detail =
                            format!("{FRUITLESS} packets in a row gave no frame: the next call goes on behind them");
                        return Err(Error::new(ErrorKind::NoFrame, "decode").detail(detail));
                    }
                    fruitless += 1;
                    match self.packets.next() {
                        Some(packet) => drop(decoder.send(packet?)?),
                        None => self.flush()?,
                    }
                }
                Stage::Flushing(decoder) => match decoder.receive() {
                    // At its end it stays as it is, so that it can be reset.
                    Ok(frame) => return Ok(frame),
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
            Stage::Opened(decoder) => Decoder::with(Closed::close(decoder.state.core, Duration::ZERO)),
            Stage::Flushing(decoder) => decoder.abandon(),
            Stage::Closed(closed) => closed,
            Stage::Between => unreachable!("a stage is always put back, and nothing in between can unwind"),
        }
    }
}

impl<'d, Y: Output, P: Seeks> Frames<'d, Y, P> {
    /// Goes to another place: the packets' source and the decoder in one step. The next frame is that of the keyframe, also after the
    /// end of the stream.
    ///
    /// # Errors
    /// As [`Demuxer::seek`](crate::Demuxer::seek); `EndOfStream` if an error has closed the decoder.
    pub fn seek(&mut self, to: Seek) -> Result<()> {
        (self.first, self.second) = (None, None);
        self.decoder = match std::mem::replace(&mut self.decoder, Stage::Between) {
            Stage::Opened(mut decoder) => {
                decoder.reset();
                Stage::Opened(decoder)
            }
            Stage::Flushing(decoder) => Stage::Opened(decoder.reset()),
            stage => stage,
        };
        if !matches!(self.decoder, Stage::Opened(_)) {
            return Err(
                Error::new(ErrorKind::EndOfStream, "seek").detail("an error has closed the decoder: open another")
            );
        }
        self.packets.seek_to(to)
    }
    /// Goes to the very frame that is shown at that time, which the next call of `next` gives: decodes from the keyframe before it and
    /// passes over those in between. Before the first frame's time it is the first. A bare stream is decoded from its start.
    ///
    /// A time as a `Duration` counts from the file's start; [`Time::Ticks`] is a frame's own `pts`.
    ///
    /// # Errors
    /// `NoFrame` if the stream ends before that time; else as [`seek`](Frames::seek), and what the decoder reports.
    pub fn seek_exact(&mut self, time: impl Into<Time>) -> Result<()> {
        let time = self.packets.ticks(time.into());
        let mut back = 0;
        loop {
            let keyframe = Time::Ticks(time.saturating_sub(back));
            let from_start =
                back > FARTHEST * self.packets.ticks_in_a_second() || self.seek(Seek::Before(keyframe)).is_err();
            if from_start {
                self.seek(Seek::Start)?;
            }
            if self.pass_over_to(time, from_start)? {
                return Ok(());
            }
            // The keyframe is later than the time, or the decoder could not begin with it: one more to the front.
            back = (2 * back).max(self.packets.ticks_in_a_second());
        }
    }
    /// Decodes up to the frame that is shown at that time. `false` if it may lie before this place.
    fn pass_over_to(&mut self, time: i64, from_start: bool) -> Result<bool> {
        let mut shown: Option<Y::Frame<'d>> = None;
        while let Some(frame) = self.pull()? {
            if Y::times(&frame).0.is_none_or(|pts| pts <= time) {
                shown = Some(frame);
                continue;
            }
            (self.first, self.second) = match shown {
                Some(shown) => (Some(shown), Some(frame)),
                None => (Some(frame), None),
            };
            return Ok(self.second.is_some() || from_start);
        }
        // The last frame is shown for its duration; one of unknown duration without end.
        let ends = |(pts, duration): (Option<i64>, i64)| {
            duration > 0 && pts.is_some_and(|pts| pts.saturating_add(duration) <= time)
        };
        match shown {
            None if !from_start => Ok(false),
            Some(frame) if !ends(Y::times(&frame)) => {
                self.first = Some(frame);
                Ok(true)
            }
            _ => Err(Error::new(ErrorKind::NoFrame, "seek_exact").detail("the stream ends before that time")),
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
        match self.first.take().or_else(|| self.second.take()) {
            Some(decoded) => Some(Ok(decoded)),
            None => self.pull().transpose(),
        }
    }
}
