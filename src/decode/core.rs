//! An open decoder's data, and what its states do with it.

use super::{Surfaces, damage::Damage};
use crate::{
    Error, ErrorKind, Packet, Result,
    codec::{Codec, Core},
    error::line::Line,
    ffi,
    raw::{
        BufferRef, Kind, RawFrame,
        avcodec::context::Step,
        avutil::{frame::Layout, picture::StreamFacts},
        recycle::Supply,
    },
    transfer,
    types::{
        facts::{Facts, Origin},
        time::Ratio,
    },
};
use std::collections::VecDeque;

/// Fields are dropped in this order: the codec before what it works with.
pub(super) struct DecoderCore {
    pub(super) core: Core,
    pub(super) kind: Kind,
    pub(super) or_system: bool,
    /// Whether a fallback to software was announced.
    pub(super) fallen_back: bool,
    pub(super) surfaces: Surfaces,
    /// As it was asked for; 0 where it was not.
    pub(super) extra_frames: u32,
    pub(super) time_base: Ratio,
    pub(super) frame_rate: Ratio,
    /// Of the stream that it was opened for.
    pub(super) origin: Origin,
    pub(super) device: Option<BufferRef>,
    pub(super) clock: Clock,
    /// How often the input had sought when it read the packets that are inside; `None` with none inside.
    pub(super) place: Option<u32>,
    /// The layout of a frame of no pool that was checked before, and is not checked again.
    pub(super) checked: Option<Layout>,
    pub(super) damage: Damage,
    /// The last picture that the hardware did not decode.
    pub(super) last_failure: Option<Error>,
    /// What the stream says of each frame.
    pub(super) facts: StreamFacts,
    /// Where copies of the decoder's own surfaces are made.
    pub(super) copies: Option<BufferRef>,
    pub(super) frames: Supply<ffi::AVFrame>,
    /// What had to come out before the end of stream could be sent.
    pub(super) pending: VecDeque<RawFrame>,
}

/// Damaged packets in a row that one call steps over.
const DAMAGED_IN_A_ROW: usize = 1000;

/// The times of frames. A raw stream has none, or none for most pictures: they follow from the last known one by the frame rate.
#[derive(Default)]
pub(super) struct Clock {
    known: i64,
    frames_since: i64,
}

impl Clock {
    /// The time of the next frame; `ticks` of a number of frames, where the frame rate is known.
    fn time(&mut self, pts: Option<i64>, ticks: impl FnOnce(i64) -> Option<i64>) -> Option<i64> {
        let time = pts.or_else(|| Some(self.known.saturating_add(ticks(self.frames_since)?)));
        if let Some(pts) = pts {
            *self = Clock { known: pts, frames_since: 0 };
        }
        self.frames_since += 1;
        time
    }
}

impl DecoderCore {
    pub(super) fn send(&mut self, packet: &mut Packet) -> Result<()> {
        self.core.refuse_if_poisoned()?;
        let Facts { seeks: place, origin, .. } = packet.0.facts();
        if !self.origin.takes(origin) {
            return Err(Error::wrong_stream(
                self.origin.why_not(origin, format_args!("the decoder ({})", self.core.context.name())),
            ));
        }
        if self.place.is_some_and(|inside| inside != place) {
            return Err(Error::new(ErrorKind::NotReset, "send").detail(
                "the demuxer has sought since the last packet: reset the decoder, or let Demuxer::seek do it",
            ));
        }
        self.place = Some(place);
        if packet.data().is_empty() {
            // A sample of no bytes, which files have. To FFmpeg it is an invalid argument, or even the end of the stream.
            self.core.sent += 1;
            self.core.skip_damaged(&Error::new(ErrorKind::InvalidData, "send").detail("a packet of no bytes"));
            return Ok(());
        }
        let number = self.damage.sent(&packet.0);
        self.core.context.number_next(&mut packet.0, number);
        let (step, lines) = self.core.context.send_packet(Some(&packet.0));
        self.keep(lines);
        match step {
            Ok(Step::Done) => self.core.sent += 1,
            Ok(Step::Again) => return Err(Error::new(ErrorKind::Full, "avcodec_send_packet")),
            Ok(Step::End) => return Err(Error::new(ErrorKind::EndOfStream, "avcodec_send_packet")),
            Err(error) => {
                self.core.sent += 1;
                self.sort_error(error)?;
            }
        }
        Ok(())
    }
    /// A decoder's error: a damaged packet is noted and passed over, the rest is the caller's.
    fn sort_error(&mut self, error: Error) -> Result<()> {
        if let Some(format) = self.core.context.refused() {
            let mut detail = format!(
                "this stream ({} in {format}) cannot be decoded into {}: use or_system(), or Decoder::new(System, ..)",
                self.core.context.name(),
                self.kind
            );
            if self.extra_frames > 0 {
                // NVDEC has 32 surfaces for the codec and for those that are held.
                detail += &format!(
                    "; or the device cannot hold {} frames more: say fewer with extra_frames(..)",
                    self.extra_frames
                );
            }
            return Err(error.with_kind(ErrorKind::Unsupported).detail(detail));
        }
        let error = match self.sort_hardware_error(error) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::InvalidData => {
                self.damage.suspect();
                self.core.skip_damaged(&error);
                Ok(())
            }
            ErrorKind::OutOfMemory if self.kind.is(|backend| backend.lends_surfaces()) => Err(error
                .with_kind(ErrorKind::PoolExhausted)
                .detail(
                    "all of the decoder's surfaces are held: drop frames earlier, or say with `extra_frames` how many are kept at once",
                )),
            _ => Err(error),
        }
    }
    /// A picture that the hardware did not decode is passed over like any damage, as long as the device itself answers.
    fn sort_hardware_error(&mut self, error: Error) -> Result<()> {
        let Some(backend) = self.kind.backend() else { return Err(error) };
        let error = self.damage.is_of_one_picture(error, backend)?;
        // An error that is the device's comes with each call from then on (CUDA); VA-API has no such question.
        if let Some(Err(lost)) = self.device.as_ref().map(BufferRef::synchronize) {
            return Err(error.detail(format!("the device itself has failed: {lost}")));
        }
        self.damage.suspect();
        self.core.skip_damaged(&error);
        self.last_failure = Some(error);
        Ok(())
    }
    /// The hardware's error, if it has decoded none of the stream's pictures.
    fn nothing_decoded(&mut self) -> Option<Error> {
        let whole = self.core.received - self.core.damaged_frames;
        let error = self.last_failure.take().filter(|_| whole == 0)?;
        Some(error.detail("the hardware has decoded none of the stream's pictures: the device may be lost"))
    }
    /// Keeps what FFmpeg logged in a call that succeeded, and what it says of the picture.
    #[inline]
    fn keep(&mut self, lines: Vec<Line>) {
        if !lines.is_empty() {
            lines.iter().for_each(|line| self.damage.told(&line.text));
            self.core.keep(lines);
        }
    }
    pub(super) fn reset(&mut self) {
        self.damage.reset();
        self.core.context.discard();
        self.core.ended = false;
        self.clock = Clock::default();
        self.place = None;
        self.pending.clear();
    }
    /// Checks that the frame is in the memory that the type says, and makes it the caller's to keep.
    fn complete(&mut self, mut frame: RawFrame) -> Result<RawFrame> {
        *frame.facts_mut() = Facts { time_base: self.time_base, frame_rate: self.frame_rate, ..Facts::default() };
        let pts = frame.pts().or(frame.best_effort_pts());
        let period = Ratio { num: self.frame_rate.den, den: self.frame_rate.num };
        frame.set_pts(self.clock.time(pts, |frames| period.is_known().then(|| period.rescale(frames, self.time_base))));
        if !self.facts.is_empty() {
            self.facts.complete(&mut frame)?;
        }
        let layout = frame.layout();
        if layout.is_some() && layout == self.checked {
            return Ok(frame);
        }
        match frame.kind() {
            Some(kind) if kind == self.kind && kind != Kind::System => self.keepable(frame),
            Some(kind) if kind == self.kind => {
                self.checked = layout;
                Ok(frame)
            }
            Some(Kind::System) if self.or_system => {
                if !std::mem::replace(&mut self.fallen_back, true) {
                    let name = self.core.context.name();
                    crate::error::guard::say!(
                        Warn,
                        "{name} decodes in software: the device cannot decode {:?}",
                        frame.format()
                    );
                }
                Ok(frame)
            }
            _ => Err(Error::new(ErrorKind::WrongFormat, "avcodec_receive_frame").detail(format!(
                "the stream has changed to {}, which is not decoded into {}",
                frame.format().pixels,
                self.kind
            ))),
        }
    }
    /// The decoder's own surfaces run out when they are kept: a copy within the device does not.
    fn keepable(&mut self, frame: RawFrame) -> Result<RawFrame> {
        let kept = self.surfaces == Surfaces::Direct || self.kind.is(|backend| backend.lends_surfaces());
        if kept || !self.core.context.gives_own_surfaces() {
            return Ok(frame);
        }
        let (width, height) = frame.coded_size();
        let format = crate::Format { width, height, pixels: frame.format().pixels };
        let pool = match &self.copies {
            Some(pool) if pool.frames_format() == format => pool,
            _ => {
                let Some(device) = &self.device else { return Ok(frame) };
                self.copies.insert(BufferRef::frames(device, self.kind, format)?)
            }
        };
        let mut copy = pool.take_frame(Some(self.frames.list()))?;
        frame.transfer(&mut copy)?;
        copy.copy_properties(&frame)?;
        transfer::copied_on_device(copy.picture_bytes());
        Ok(copy)
    }
}

impl Codec for DecoderCore {
    type Output = RawFrame;
    fn core(&mut self) -> &mut Core {
        &mut self.core
    }
    fn pending(&mut self) -> &mut VecDeque<RawFrame> {
        &mut self.pending
    }
    fn send_end(&mut self) -> (Result<Step>, Vec<Line>) {
        self.core.context.send_packet(None)
    }
    /// The call also decodes: with frame threads, the damage of an earlier packet shows here. The end was taken all the same.
    fn end_failed(&mut self, error: Error) -> Result<()> {
        self.sort_error(error).map_err(|error| self.core.poison(error))
    }
    fn receive_from_codec(&mut self) -> Result<Option<RawFrame>> {
        for _ in 0..DAMAGED_IN_A_ROW {
            let (core, mut lines) = (&mut self.core, Vec::new());
            let received = self.frames.fill(|frame| {
                let (step, logged) = core.context.receive_frame(frame);
                lines = logged;
                core.ended |= matches!(step, Ok(Step::End));
                Ok(step? == Step::Done)
            });
            self.keep(lines);
            match received {
                Ok(Some(mut frame)) => {
                    self.core.received += 1;
                    self.core.damaged_frames += u64::from(self.damage.came_out(&mut frame));
                    frame.forget_number();
                    return self.complete(frame).map(Some);
                }
                Ok(None) if self.core.ended => return self.nothing_decoded().map_or(Ok(None), Err),
                Ok(None) => return Ok(None),
                Err(error) => self.sort_error(error)?,
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn unknown_times_follow_from_the_last_known_one() {
        let mut clock = Clock::default();
        let mut time = |pts| clock.time(pts, |frames| Some(frames * 40));
        let times = [time(None), time(None), time(Some(100)), time(None), time(None), time(Some(500)), time(None)];
        assert_eq!(times.map(Option::unwrap), [0, 40, 100, 140, 180, 500, 540]);
        assert_eq!(Clock::default().time(None, |_| None), None, "no frame rate, no time");
    }

    #[test]
    fn times_out_of_a_damaged_file_do_not_overflow() {
        let mut clock = Clock::default();
        assert_eq!(clock.time(Some(i64::MAX), |_| None), Some(i64::MAX));
        assert_eq!(clock.time(None, |_| Some(i64::MAX)), Some(i64::MAX));
    }
}
