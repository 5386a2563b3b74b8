//! Pictures in, packets out.
//!
//! Rules that the simulation holds a program to: outputs are locked in the order in which they were sent; an input stays as
//! it was, and mapped, until the output that was sent with it is locked, or the stream ended.

use super::layout::{self, LockBitstream, PictureParameters, picture_flags};
use super::pixels::{Shape, Source};
use super::session::{Headers, Output, Pending, Session, Submitted, with, with_current};
use crate::api::Out;
use crate::h264::{Force, Packet, PictureKind, parameter_sets};
use crate::ledger::{self, Handle, Kind};
use crate::status::{Outcome, nv};

const DO_NOT_WAIT: u32 = 1;
const STRUCTURE_FRAME: u32 = 1;

impl Session {
    /// What an input handle names, ready to be read.
    fn source(&self, input: Handle, by: &str) -> Outcome<(Shape, Source<'_>)> {
        if let Some(buffer) = self.inputs.get(&input) {
            return Ok((buffer.shape, Source::System(&buffer.memory)));
        }
        let Some(found) = self.mapped.get(&input).and_then(|registered| self.registered.get(registered)) else {
            ledger::lock().check(input, Kind::MappedResource, by);
            return Err(nv::RESOURCE_NOT_MAPPED);
        };
        let bytes = found.shape.bytes().ok_or(nv::INVALID_PARAM)?;
        let span = ledger::lock().resolve(found.pointer, bytes, by).map_err(|_| nv::MAP_FAILED)?;
        Ok((found.shape, Source::Device(span)))
    }

    fn send(&mut self, parameters: &PictureParameters) -> Outcome {
        let by = "nvEncEncodePicture";
        let (input, output) = (parameters.input, parameters.output);
        self.stream()?;
        if self.inputs.get(&input).is_some_and(|buffer| buffer.locked) {
            self.violation(format!("{by}: input buffer {input:#x} is locked"));
            return Err(nv::LOCK_BUSY);
        }
        match self.outputs.get(&output) {
            Some(Output::Free) => {}
            Some(_) => {
                self.violation(format!("{by}: bitstream buffer {output:#x} is in use"));
                return Err(nv::INVALID_PARAM);
            }
            None => {
                ledger::lock().check(output, Kind::BitstreamBuffer, by);
                return Err(nv::INVALID_PARAM);
            }
        }
        let (shape, source) = self.source(input, by)?;
        let size = self.stream.as_ref().map(|stream| (stream.parameters.width, stream.parameters.height));
        if size.is_none_or(|(width, height)| shape.width < width || shape.height < height) {
            return Err(nv::INVALID_PARAM);
        }
        let fingerprint = match &source {
            Source::Device(_) => Some(source.fingerprint()),
            Source::System(_) => None,
        };
        if fingerprint.is_none() {
            ledger::lock().bytes.encoder_input += shape.payload();
        }
        let stream = self.stream()?;
        let forced = parameters.flags & picture_flags::FORCE_IDR != 0;
        let force = if forced || std::mem::take(&mut stream.force_idr) {
            Force::Idr
        } else if parameters.flags & picture_flags::FORCE_INTRA != 0 {
            Force::Intra
        } else {
            Force::Nothing
        };
        if parameters.flags & picture_flags::OUTPUT_PARAMETER_SETS != 0 {
            stream.headers_written = false;
        }
        stream.look_ahead.push_back(Pending { input, timestamp: parameters.timestamp, force });
        let hold = stream.hold;
        self.outputs.insert(output, Output::Pending);
        self.submitted.push_back(Submitted { input, output, fingerprint });
        self.ended = false;
        self.record(|record| {
            record.pictures_in += 1;
            record.forced_idr += u64::from(forced);
        });
        if self.encode_down_to(hold)? { Ok(()) } else { Err(nv::NEED_MORE_INPUT) }
    }

    /// Encodes until look-ahead holds no more than `hold` pictures; whether that gave packets.
    fn encode_down_to(&mut self, hold: usize) -> Outcome<bool> {
        let before = self.ready.len();
        while self.stream()?.look_ahead.len() > hold {
            let Some(pending) = self.stream()?.look_ahead.pop_front() else { break };
            let (shape, source) = self.source(pending.input, "the encoder reading its input")?;
            let picture = shape.read(&source);
            let packets = self.stream()?.encoder.push(picture, pending.timestamp, pending.force);
            self.ready.extend(packets);
        }
        Ok(self.ready.len() > before)
    }

    /// Ends the stream: all that was sent becomes packets.
    fn end(&mut self) -> Outcome {
        self.stream()?;
        self.encode_down_to(0)?;
        let packets = self.stream()?.encoder.flush();
        self.ready.extend(packets);
        self.ended = true;
        self.record(|record| record.end_of_stream += 1);
        Ok(())
    }

    /// Puts parameter sets before a packet that is to have them.
    fn finish(&mut self, mut packet: Packet) -> Outcome<Packet> {
        let stream = self.stream()?;
        let wanted = match stream.headers {
            Headers::Never => false,
            Headers::Once => !stream.headers_written,
            Headers::EachIdr => !stream.headers_written || packet.kind == PictureKind::Idr,
        };
        if wanted && packet.kind == PictureKind::Idr {
            stream.headers_written = true;
            let mut data = parameter_sets(&stream.parameters);
            data.append(&mut packet.data);
            packet.data = data;
        }
        Ok(packet)
    }

    fn lock_output(&mut self, parameters: &mut LockBitstream) -> Outcome {
        let by = "nvEncLockBitstream";
        let output = parameters.output;
        match self.outputs.get(&output) {
            Some(Output::Pending) => {}
            Some(Output::Free) => {
                self.violation(format!("{by}: no picture was sent with {output:#x}"));
                return Err(nv::INVALID_PARAM);
            }
            Some(Output::Locked { .. }) => {
                self.violation(format!("{by}: {output:#x} is locked already"));
                return Err(nv::LOCK_BUSY);
            }
            None => {
                ledger::lock().check(output, Kind::BitstreamBuffer, by);
                return Err(nv::INVALID_PARAM);
            }
        }
        if self.submitted.front().is_none_or(|oldest| oldest.output != output) {
            self.violation(format!("{by}: {output:#x} is not the oldest output"));
            return Err(nv::INVALID_CALL);
        }
        let Some(packet) = self.ready.pop_front() else {
            if parameters.flags & DO_NOT_WAIT == 0 {
                self.violation(format!("{by}: {output:#x} would block for ever, the encoder needs more input"));
            }
            return Err(nv::LOCK_BUSY);
        };
        if let Some(done) = self.submitted.pop_front() {
            self.check_unchanged(&done);
        }
        let packet = self.finish(packet)?;
        parameters.size = packet.data.len() as u32;
        parameters.data = packet.data.as_ptr();
        parameters.timestamp = packet.timestamp;
        parameters.slices = 1;
        parameters.slice_offsets.set_if_wanted(0);
        parameters.picture_structure = STRUCTURE_FRAME;
        parameters.average_qp = 1;
        parameters.picture_type = match packet.kind {
            PictureKind::P => 0,
            PictureKind::B => 1,
            PictureKind::I => 2,
            PictureKind::Idr => 3,
        };
        ledger::lock().bytes.bitstream += packet.data.len() as u64;
        self.record(|record| {
            parameters.index = record.packets_out as u32;
            record.packets_out += 1;
            record.idr += u64::from(packet.kind == PictureKind::Idr);
        });
        self.outputs.insert(output, Output::Locked { _data: packet.data });
        Ok(())
    }

    fn check_unchanged(&self, done: &Submitted) {
        let by = "nvEncLockBitstream";
        let Some(before) = done.fingerprint else { return };
        // Unmapped by now: after the end of the stream, or reported when it happened.
        if !self.mapped.contains_key(&done.input) {
            return;
        }
        if self.source(done.input, by).is_ok_and(|(_, source)| source.fingerprint() != before) {
            self.violation(format!("{by}: the input {:#x} changed while it was in flight", done.input));
        }
    }
}

api! { table;
    fn nvEncEncodePicture(encoder: Handle, parameters: Out<PictureParameters>) {
        let parameters = layout::structure(parameters)?;
        with_current(encoder, "nvEncEncodePicture", |session| {
            if parameters.flags & picture_flags::END_OF_STREAM != 0 {
                session.end()
            } else {
                session.send(parameters)
            }
        })
    }

    fn nvEncLockBitstream(encoder: Handle, parameters: Out<LockBitstream>) {
        let parameters = layout::structure(parameters)?;
        with_current(encoder, "nvEncLockBitstream", |session| session.lock_output(parameters))
    }

    fn nvEncUnlockBitstream(encoder: Handle, output: Handle) {
        let by = "nvEncUnlockBitstream";
        with(encoder, by, |session| {
            match session.outputs.get_mut(&output) {
                Some(found @ Output::Locked { .. }) => {
                    *found = Output::Free;
                    Ok(())
                }
                _ => {
                    session.violation(format!("{by}: {output:#x} is not locked"));
                    Err(nv::INVALID_CALL)
                }
            }
        })
    }
}
