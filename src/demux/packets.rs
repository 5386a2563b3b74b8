//! The packets of one stream as an iterator.

use crate::{Packet, Result};
use crate::{
    demux::{Demuxer, Reset, Stream},
    types::seek::{Seek, Time},
};
use std::borrow::BorrowMut;

/// The packets of one stream, in the file's order. `D` is `&mut Demuxer`, or the demuxer itself.
#[derive(Debug)]
#[must_use = "packets are read as they are asked for"]
pub struct Packets<D: BorrowMut<Demuxer>> {
    input: D,
    stream: Stream,
}

impl<D: BorrowMut<Demuxer>> Packets<D> {
    pub(super) fn new(input: D, stream: &Stream) -> Self {
        Packets { input, stream: stream.clone() }
    }
    /// Goes to another place, by the keyframes of this stream; see [`Demuxer::seek`].
    ///
    /// # Errors
    /// As there.
    pub fn seek(&mut self, to: Seek, inside: &mut (impl Reset + ?Sized)) -> Result<()> {
        self.input.borrow_mut().seek(&self.stream, to, inside)
    }
    /// The demuxer that they are read from.
    pub fn demuxer(&self) -> &Demuxer {
        self.input.borrow()
    }
    /// The stream that they are of.
    pub fn stream(&self) -> &Stream {
        &self.stream
    }
}

impl<D: BorrowMut<Demuxer>> Iterator for Packets<D> {
    type Item = Result<Packet>;
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.input.borrow_mut().read() {
                Ok(Some(packet)) if packet.stream() != self.stream.index() => continue,
                read => break read.transpose(),
            }
        }
    }
}

/// Packets that can be had from another place: what [`Frames::seek`](crate::decode::Frames::seek) asks of its source.
pub trait Seeks: Iterator<Item = Result<Packet>> {
    /// Goes there. Whoever has packets of this place inside is reset by the caller.
    ///
    /// # Errors
    /// As [`Demuxer::seek`].
    fn seek_to(&mut self, to: Seek) -> Result<()>;
    /// That time in ticks of the packets' time base.
    fn ticks(&self, time: Time) -> i64;
    /// Ticks in a second of packets, rounded up.
    fn ticks_in_a_second(&self) -> i64;
}

impl<D: BorrowMut<Demuxer>> Seeks for Packets<D> {
    fn seek_to(&mut self, to: Seek) -> Result<()> {
        self.seek(to, &mut ())
    }
    fn ticks(&self, time: Time) -> i64 {
        self.input.borrow().input.ticks(self.stream.info(), time)
    }
    fn ticks_in_a_second(&self) -> i64 {
        let base = self.stream.ratio();
        (i64::from(base.den) + i64::from(base.num) - 1) / i64::from(base.num)
    }
}
