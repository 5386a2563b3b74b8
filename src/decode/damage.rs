//! Damage: which frames it shows on, and what of a hardware decoder's failures is the stream's damage and not the
//! device's.

use crate::{
    Error, ErrorKind,
    raw::{RawFrame, RawPacket, backend::Backend},
};
use std::collections::VecDeque;

/// Pictures that the hardware may fail to decode in a row, with no frame out in between, before that is an error of its
/// own. Where a stream was cut and joined, nothing need decode up to the next keyframe, and that is 250 pictures away
/// in what libx264 writes unless it is told otherwise.
const FAILED_IN_A_ROW: u32 = 300;

/// Packets behind which the frame of one does not come any more: more than a decoder holds.
const AWAITED: u32 = 128;

/// What FFmpeg's decoders say when the hardware has not decoded a picture. They do not say why: the picture it refers
/// to may be missing, the picture itself be broken, or the device be gone.
const NOT_DECODED: [&str; 2] = ["hardware accelerator failed to decode picture", "HW accel end frame fail"];

/// What FFmpeg's decoders say, and nowhere keep, of a picture that they decode nevertheless.
const OF_THE_PICTURE: [&str; 12] = [
    "Missing reference picture",
    "reference picture missing",
    "missing picture in access unit",
    "Could not find ref with POC",
    "co located POCs unavailable",
    "illegal short term buffer state",
    "Frame num change from",
    "First slice in a frame missing",
    "Missing slice in picture",
    "slice below image",
    "error while decoding MB",
    "corrupted macroblock",
];

/// What is known of damage besides what FFmpeg marks on its frames.
#[derive(Default)]
pub(super) struct Damage {
    /// The packet that was sent last.
    last: Sent,
    /// Packets with damage whose frames are not out.
    awaited: VecDeque<Sent>,
    /// Pictures that the hardware did not decode, and that FFmpeg may yet ask it for.
    undecoded: u32,
    /// Pictures that the hardware failed to decode since a whole frame was out.
    failed: u32,
}

/// What tells the frame of a packet.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Sent {
    /// Counted from 1.
    number: u32,
    /// For decoders that do not pass the number on. A bare stream's packets have no time.
    time: Option<i64>,
}

impl Sent {
    fn is_of(&self, frame: &RawFrame) -> bool {
        match frame.number() {
            0 => self.time.is_some() && self.time == frame.pts().or(frame.packet_dts()),
            number => number == self.number,
        }
    }
}

impl Damage {
    /// The next packet goes in: its number.
    #[inline]
    pub(super) fn sent(&mut self, packet: &RawPacket) -> u32 {
        let number = self.last.number.wrapping_add(1).max(1);
        self.last = Sent { number, time: packet.pts().or(packet.dts()) };
        if packet.is_corrupt() {
            self.suspect();
        }
        number
    }
    /// Something is wrong with the packet that was sent last.
    pub(super) fn suspect(&mut self) {
        if self.awaited.back() != Some(&self.last) {
            self.awaited.push_back(self.last);
        }
        // Of those before, no frame comes any more.
        let last = self.last.number;
        self.awaited.retain(|sent| last.wrapping_sub(sent.number) < AWAITED);
    }
    /// A line that FFmpeg logged in a call that succeeded.
    pub(super) fn told(&mut self, line: &str) {
        if OF_THE_PICTURE.iter().any(|words| line.contains(words)) {
            self.suspect();
        }
    }
    /// A frame is out, as FFmpeg gave it: marks it where it is damaged, and says so.
    #[inline]
    pub(super) fn came_out(&mut self, frame: &mut RawFrame) -> bool {
        if !self.awaited.is_empty() {
            self.find(frame);
        }
        let damaged = frame.is_damaged();
        if !damaged {
            self.failed = 0;
        }
        damaged
    }
    #[cold]
    fn find(&mut self, frame: &mut RawFrame) {
        let Some(place) = self.awaited.iter().position(|sent| sent.is_of(frame)) else { return };
        self.awaited.remove(place);
        frame.mark_damaged();
    }
    /// Whether the error is one picture that the hardware did not decode: damage of the stream, unless the device
    /// itself fails. The others are the caller's, as is this one when it comes too often: then it says so.
    pub(super) fn is_of_one_picture(&mut self, error: Error, backend: &dyn Backend) -> Result<Error, Error> {
        let says = |words: &str| error.log().iter().any(|line| line.contains(words));
        let decoding = NOT_DECODED.iter().chain(backend.not_decoded()).any(|words| says(words));
        let mapping = self.undecoded > 0 && backend.not_mapped().is_some_and(says);
        let kind_fits = match error.kind() {
            ErrorKind::Other | ErrorKind::Io(_) => decoding || mapping,
            // The driver's word for a picture that it does not have, which FFmpeg passes on.
            ErrorKind::PoolExhausted => mapping,
            _ => false,
        };
        if !kind_fits {
            return Err(error);
        }
        if decoding {
            self.failed += 1;
            self.undecoded += 1;
        } else {
            self.undecoded -= 1;
        }
        if self.failed <= FAILED_IN_A_ROW {
            return Ok(error);
        }
        let detail =
            format!("the hardware has decoded none of the last {FAILED_IN_A_ROW} pictures: the device may be lost");
        Err(error.detail(detail))
    }
    /// What is inside was discarded.
    pub(super) fn reset(&mut self) {
        *self = Damage { last: self.last, failed: self.failed, ..Damage::default() };
    }
}
