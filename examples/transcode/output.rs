//! One output: encodes the frames that come over a channel, copies the packets that come with them, and writes the file.

use crate::{
    job::Job,
    shared::{Unfinished, warn},
};
use avsluice::{
    Any, Encoder, Error, ErrorKind, Frame, Limit, Muxer, Packet, Result, Stream, StreamKind, TeardownReport, Track,
};
use std::{collections::VecDeque, path::PathBuf, sync::mpsc::Receiver};

/// What an output is sent. A channel that closes without `End` says that another stage has failed.
pub enum Message {
    Frame(Frame<'static, Any>),
    /// Of a stream that is copied.
    Packet(Packet),
    End,
}

/// What was written up to a change of the pictures' size, or to the end.
pub struct Written {
    pub path: PathBuf,
    /// That file, and those that belong to it.
    pub files: Vec<PathBuf>,
    pub report: TeardownReport,
}

/// A file that is being written, up to a change of the pictures' size.
struct Part {
    encoder: Encoder<'static, Any>,
    output: Muxer,
    video: Track,
    /// The track of each stream that is copied.
    copied: Vec<(usize, Track)>,
    file: Unfinished,
    path: PathBuf,
}

impl Part {
    fn open(job: &Job, path: PathBuf, first: &Frame<'static, Any>, video: &Stream, others: &[Stream]) -> Result<Self> {
        let file = Unfinished::new(&path)?;
        let mut encoder = Encoder::new(&first.pool(), video.time_base(), job.codec());
        if let Some(rate) = job.bit_rate {
            encoder = encoder.bit_rate(rate);
        }
        if let Some(frames) = job.gop {
            encoder = encoder.gop_size(frames);
        }
        let encoder = encoder.open()?;
        let mut output = Muxer::create(file.path())?;
        let track = output.add(&encoder)?;
        let mut copied = Vec::new();
        for stream in others {
            match output.add_copy(stream) {
                Ok(track) => copied.push((stream.index(), track)),
                Err(error) => warn(format_args!("warning: {}: {stream} is left out: {error}", job.path.display())),
            }
        }
        Ok(Part { encoder, output: output.open()?, video: track, copied, file, path })
    }
    fn copy(&mut self, packet: Packet) -> Result<()> {
        match self.copied.iter().find(|(index, _)| *index == packet.stream()) {
            Some((_, track)) => self.output.write(*track, packet),
            None => Ok(()),
        }
    }
    fn finish(self) -> Result<Written> {
        let Part { encoder, mut output, video, file, path, .. } = self;
        let encoder = encoder.flush()?.finish(Limit::default(), |packet| output.write(video, packet))?;
        let written = output.finish()?;
        if written.mended() > 0 {
            warn(format_args!("warning: {}: times overlapped: {written}", path.display()));
        }
        Ok(Written { path, files: file.finish()?, report: encoder.free() })
    }
}

/// Writes an output to its end; `done` are the parts that are whole, whatever comes of the rest.
pub fn run(
    job: &Job,
    messages: Receiver<Message>,
    video: &Stream,
    others: &[Stream],
    done: &mut Vec<Written>,
) -> Result<()> {
    let mut part: Option<Part> = None;
    // Sound may come before the first picture, without which there is no file.
    let mut early = VecDeque::new();
    for message in messages {
        match (message, &mut part) {
            (Message::Packet(packet), None) => early.push_back(packet),
            (Message::Packet(packet), Some(part)) => part.copy(packet)?,
            (Message::Frame(frame), _) => {
                let mut frame = Some(frame);
                while let Some(next) = frame.take() {
                    let open = match part.take() {
                        Some(open) => open,
                        None => {
                            let path = job.part(done.len() + 1);
                            let mut open = Part::open(job, path, &next, video, others)?;
                            early.drain(..).try_for_each(|packet| open.copy(packet))?;
                            open
                        }
                    };
                    let mut open = open;
                    match encode(&mut open, next)? {
                        None => part = Some(open),
                        // A picture of another size: the next part is for it.
                        Some(other) => {
                            done.push(open.finish()?);
                            frame = Some(other);
                        }
                    }
                }
            }
            (Message::End, _) => {
                let open = part.take().ok_or_else(|| Error::other("the video has no picture that can be decoded"))?;
                done.push(open.finish()?);
                return Ok(());
            }
        }
    }
    Err(Error::other(Cancelled))
}

/// Encodes a frame, or gives it back if it has another size or layout than those before it.
fn encode(part: &mut Part, frame: Frame<'static, Any>) -> Result<Option<Frame<'static, Any>>> {
    let Part { encoder, output, video, .. } = part;
    match encoder.send(frame) {
        Ok(mut packets) => packets.try_for_each(|packet| output.write(*video, packet?)).map(|()| None),
        Err(failed) if *failed.kind() == ErrorKind::WrongFormat => Ok(Some(failed.into_value())),
        Err(failed) => Err(failed.into_error()),
    }
}

/// Another stage has failed, and says why.
#[derive(Debug)]
pub struct Cancelled;
impl std::fmt::Display for Cancelled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("another stage has failed")
    }
}
impl std::error::Error for Cancelled {}

/// Whether a stream can be copied at all.
pub fn is_copied(stream: &Stream) -> bool {
    matches!(stream.kind(), StreamKind::Audio | StreamKind::Subtitle)
}
