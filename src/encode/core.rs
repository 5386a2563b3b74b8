//! An open encoder's data, and what its states do with it.

use super::{intake::Intake, reorder::Reorder};
use crate::{
    Error, ErrorKind, Packet, Result,
    codec::{Codec, Core, Receive},
    error::line::Line,
    ffi,
    raw::{
        RawFrame, RawPacket,
        avcodec::context::Step,
        avutil::{frame::PictureType, picture::Picture},
        recycle::Supply,
    },
    types::{facts::Origin, time::Ratio},
};
use std::{
    collections::VecDeque,
    sync::atomic::{AtomicBool, Ordering},
};

/// Fields are dropped in this order: the codec before the pools that it may still have registered.
pub(super) struct EncoderCore {
    pub(super) core: Core,
    /// Before the pools in it may go, the codec is closed.
    pub(super) intake: Intake,
    pub(super) time_base: Ratio,
    pub(super) picture: Picture,
    /// Of its packets.
    pub(super) origin: Origin,
    /// One frame in ticks of the time base; 0 when not known.
    pub(super) period: i64,
    /// Only for encoders whose own decoding times are wrong.
    pub(super) reorder: Option<Reorder>,
    /// The end of stream was sent.
    pub(super) ending: bool,
    pub(super) packets: Supply<ffi::AVPacket>,
    /// What had to come out before the end of stream could be sent.
    pub(super) pending: VecDeque<Packet>,
    /// An error of a call whose frame was taken, for the next `Ready`.
    pub(super) deferred: Option<Error>,
    pub(super) force_keyframe: bool,
    pub(super) rereads_bit_rate: bool,
    /// The line that alone tells that the driver refused a new bit rate, and the call that it is of.
    pub(super) refused_bit_rate: Option<(&'static str, &'static str)>,
    /// The bit rates that the codec goes by while new ones wait for the next frame: they stand if the driver refuses.
    pub(super) standing_bit_rates: Option<(i64, i64)>,
    pub(super) extradata_in_container: AtomicBool,
}

impl EncoderCore {
    /// Checks the frame and sends it, or a copy; on failure it comes back as it was.
    pub(super) fn send(&mut self, frame: RawFrame) -> Result<(), (Error, RawFrame)> {
        let copy = self.core.refuse_if_poisoned().and_then(|()| self.intake.admit(&frame, self.core.sent));
        match copy {
            Ok(None) => self.send_admitted(frame),
            Ok(Some(copy)) => self.send_admitted(copy).map_err(|(error, _)| (error, frame)),
            Err(error) => Err((error, frame)),
        }
    }
    fn send_admitted(&mut self, mut frame: RawFrame) -> Result<(), (Error, RawFrame)> {
        let times = (frame.pts(), frame.duration(), frame.facts());
        self.rescale(&mut frame);
        let wanted = if self.force_keyframe { PictureType::Key } else { PictureType::Any };
        let picture_type = frame.set_picture_type(wanted);
        let (step, lines) = self.core.context.send_frame(Some(&frame));
        let error = match step {
            Ok(Step::Done) => {
                self.core.note_sent(&frame);
                self.force_keyframe = false;
                if let Some(reorder) = &mut self.reorder {
                    reorder.sent(frame.pts());
                }
                self.note(lines);
                return Ok(());
            }
            Ok(Step::Again) => Error::new(ErrorKind::Full, "avcodec_send_frame"),
            Ok(Step::End) => Error::new(ErrorKind::EndOfStream, "avcodec_send_frame"),
            Err(error) => self.core.poison(error),
        };
        frame.restore_picture_type(picture_type);
        frame.set_pts(times.0);
        frame.set_duration(times.1);
        *frame.facts_mut() = times.2;
        Err((error, frame))
    }
    /// Frames of a decoder count in their stream's time base.
    fn rescale(&self, frame: &mut RawFrame) {
        let from = frame.facts().time_base;
        if from.is_known() && from != self.time_base {
            let scaled = frame.pts().map(|pts| from.rescale(pts, self.time_base));
            frame.set_pts(scaled);
            frame.set_duration(from.rescale(frame.duration(), self.time_base));
            frame.facts_mut().time_base = self.time_base;
        }
    }
    /// Lines of a call that succeeded. Of a new bit rate that the driver refused, some of FFmpeg's encoders only log
    /// it.
    fn note(&mut self, lines: Vec<Line>) {
        let says = |text: &str| lines.iter().any(|line| line.text.contains(text));
        if let Some((_, operation)) = self.refused_bit_rate.filter(|(text, _)| says(text)) {
            let error = crate::raw::ffmpeg_error(operation, ffi::AVERROR_EXTERNAL, lines)
                .detail("the driver refused the new bit rate: the encoder goes on with the old one");
            self.deferred = Some(error);
            if let Some(rates) = self.standing_bit_rates.take() {
                self.core.context.restore_bit_rates(rates);
            }
            return;
        }
        self.standing_bit_rates = None;
        self.core.keep(lines);
    }
    pub(super) fn set_bit_rate(&mut self, rate: u64) -> Result<()> {
        self.core.refuse_if_poisoned()?;
        super::configured::check_bit_rate("bit_rate", rate)?;
        if !self.rereads_bit_rate {
            let detail =
                format!("{} does not read its bit rate while open: open a new encoder", self.core.context.name());
            return Err(Error::new(ErrorKind::Unsupported, "set_bit_rate").detail(detail));
        }
        self.standing_bit_rates.get_or_insert(self.core.context.bit_rates());
        self.core.context.set_bit_rate(rate);
        Ok(())
    }
    /// Adds to a packet what the codec left out.
    fn complete(&mut self, packet: &mut RawPacket) -> Result<()> {
        if let Some(dts) = self.reorder.as_mut().and_then(Reorder::next) {
            packet.set_dts(dts);
        } else if self.ending && self.core.context.forgets_dts_of(self.core.sent) {
            // So few are coded in the order in which they are shown.
            packet.set_dts(packet.pts().unwrap_or(ffi::AV_NOPTS_VALUE));
        }
        packet.facts_mut().time_base = self.time_base;
        packet.facts_mut().frame_rate = self.picture.frame_rate;
        packet.facts_mut().origin = self.origin;
        if packet.duration() == 0 {
            packet.set_duration(self.period);
        }
        if packet.is_keyframe() && !self.extradata_in_container.load(Ordering::Relaxed) {
            let headers = self.core.context.extradata();
            // Those with start codes can stand before a packet; other codecs' would be taken for the picture.
            let can_stand = headers.starts_with(&[0, 0, 1]) || headers.starts_with(&[0, 0, 0, 1]);
            if can_stand && !packet.data().starts_with(headers) {
                packet.prepend(headers)?;
            }
        }
        Ok(())
    }
    pub(super) fn extradata_in_container(&self) {
        self.extradata_in_container.store(true, Ordering::Relaxed);
    }
}

impl Codec for EncoderCore {
    type Output = Packet;
    fn core(&mut self) -> &mut Core {
        &mut self.core
    }
    fn pending(&mut self) -> &mut VecDeque<Packet> {
        &mut self.pending
    }
    fn send_end(&mut self) -> (Result<Step>, Vec<Line>) {
        self.ending = true;
        self.core.context.send_frame(None)
    }
    fn receive_from_codec(&mut self) -> Result<Option<Packet>> {
        if let Some(error) = self.deferred.take() {
            return Err(error);
        }
        // Some of FFmpeg's encoders call abort() when they are asked on after an error.
        self.core.refuse_if_poisoned()?;
        let core = &mut self.core;
        let received = self.packets.fill(|packet| {
            let (step, lines) = core.context.receive_packet(packet);
            core.keep(lines);
            core.ended |= matches!(step, Ok(Step::End));
            step.map(|step| step == Step::Done).map_err(|error| core.poison(error))
        })?;
        let Some(mut packet) = received else { return Ok(None) };
        self.core.note_received(packet.pts());
        self.complete(&mut packet)?;
        Ok(Some(Packet(packet)))
    }
}

impl Receive<Packet> for EncoderCore {
    fn receive(&mut self) -> Result<Option<Packet>> {
        Codec::receive(self)
    }
}
