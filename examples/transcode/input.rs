//! The first stage: reads the file, decodes its video, and hands each frame to every output.

use crate::{
    job::Job,
    output::{self, Cancelled, Message, Written},
    shared::{discard, warn},
};
use avsluice::{
    AsDevice, Concrete, Decoder, Demuxer, Error, Frame, Interrupt, Memory, Packet, Result, TeardownReport, decode,
};
use indicatif::ProgressBar;
use std::{
    error::Error as _,
    fmt,
    path::Path,
    sync::mpsc::{SyncSender, sync_channel},
    thread,
};

/// Frames that may wait for each output: enough that a slow picture of one does not stop the others, and no more memory than that.
const WAITING: usize = 4;
/// Packets that could not be read, in one file.
const UNREAD_AT_MOST: u64 = 100;

/// What happened.
pub struct Report {
    files: Vec<Written>,
    decoder: TeardownReport,
    unread: u64,
    early_end: Option<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for written in &self.files {
            writeln!(f, "{}: {}", written.path.display(), written.report)?;
        }
        write!(f, "decoder: {}", self.decoder)?;
        if self.unread > 0 {
            write!(f, "\ninput: {} packets could not be read", self.unread)?;
        }
        self.early_end.iter().try_for_each(|told| write!(f, "\ninput: it ends before its time: {told}"))
    }
}

/// Transcodes the input for every job. `lends_surfaces`: frames are the decoder's own, of which there is a fixed number. On any failure the other stages stop, and no file is left.
pub fn run<M: Memory + Concrete>(
    on: impl AsDevice<'static, Memory = M>,
    lends_surfaces: bool,
    path: &Path,
    jobs: &[Job],
    bar: &ProgressBar,
    stop: &Interrupt,
) -> Result<Report> {
    let mut input = Demuxer::options().interrupt(stop).open(path)?;
    let video = input.video()?;
    let others: Vec<_> = input.streams().iter().filter(|stream| output::is_copied(stream)).cloned().collect();
    if let Some(frames) = video.frame_count() {
        bar.set_length(frames);
    }
    let mut decoder = Decoder::new(on, &video);
    if lends_surfaces {
        // Each output may hold frames back: those waiting, and what its encoder has in work.
        decoder = decoder.extra_frames(u32::try_from(jobs.len() * (WAITING + 1) + 16).unwrap_or(64));
    }
    let mut decoder = decoder.open()?;
    thread::scope(|scope| {
        let (senders, outputs): (Vec<_>, Vec<_>) = jobs
            .iter()
            .map(|job| {
                let (sender, messages) = sync_channel(WAITING);
                let (video, others) = (&video, &others);
                let write = move || {
                    let mut files = Vec::new();
                    let ended = output::run(job, messages, video, others, &mut files);
                    (ended, files)
                };
                (sender, scope.spawn(write))
            })
            .unzip();
        let mut stage = Stage { senders, bar, stop };
        let mut unread = 0;
        let mut read = || -> Result<()> {
            loop {
                match input.read() {
                    Ok(None) => return Ok(()),
                    Ok(Some(packet)) if packet.stream() == video.index() => stage.decode(&mut decoder, packet)?,
                    Ok(Some(packet)) => stage.copy(packet)?,
                    Err(error) if unread < UNREAD_AT_MOST => {
                        bar.suspend(|| warn(format_args!("warning: {error}")));
                        unread += 1;
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        let read = read();
        let ended = read.and_then(|()| {
            let mut rest = decoder.flush()?;
            while let Some(frame) = rest.receive()? {
                stage.frame(frame)?;
            }
            stage.send(|| Ok(Message::End))?;
            Ok(rest.abandon().free())
        });
        // Who has not been told of the end takes the closed channel for a failure.
        drop(stage);
        let outputs: Vec<_> = outputs.into_iter().map(|output| output.join()).collect();
        let (mut files, mut failed) = (Vec::new(), None);
        for (job, output) in jobs.iter().zip(outputs) {
            match output {
                Ok((ended, written)) => {
                    files.extend(written);
                    let error = ended.err().filter(|error| !is_cancelled(error));
                    failed = failed.or(error.map(|error| named(job, &error)));
                }
                Err(_) => {
                    failed = failed.or(Some(Error::other(format!("{}: the output panicked", job.path.display()))))
                }
            }
        }
        match (failed, ended) {
            (None, Ok(decoder)) => {
                let early_end = input.early_end().map(str::to_string);
                Ok(Report { files, decoder, unread, early_end })
            }
            (failed, ended) => {
                // One output without the others is not what was asked for.
                files.iter().for_each(|written| discard(&written.files));
                Err(failed.or(ended.err()).unwrap_or_else(|| Error::other(Cancelled)))
            }
        }
    })
}

struct Stage<'a> {
    senders: Vec<SyncSender<Message>>,
    bar: &'a ProgressBar,
    stop: &'a Interrupt,
}

impl Stage<'_> {
    fn decode<M: Memory + Concrete>(
        &mut self,
        decoder: &mut Decoder<'static, M, decode::Opened>,
        packet: Packet,
    ) -> Result<()> {
        for frame in decoder.send(packet)? {
            self.frame(frame?)?;
        }
        Ok(())
    }
    /// A reference to the frame for every output: nothing is copied.
    fn frame<M: Memory + Concrete>(&mut self, frame: Frame<'static, M>) -> Result<()> {
        self.bar.inc(1);
        let frame = frame.erase();
        self.send(|| Ok(Message::Frame(frame.try_clone()?)))
    }
    fn copy(&mut self, packet: Packet) -> Result<()> {
        self.send(|| Ok(Message::Packet(packet.try_clone()?)))
    }
    /// Waits until every output has room. One that has failed has hung up; it says why itself.
    fn send(&mut self, message: impl Fn() -> Result<Message>) -> Result<()> {
        if self.stop.is_interrupted() {
            return Err(Error::other(Cancelled));
        }
        self.senders.iter().try_for_each(|output| output.send(message()?).map_err(|_| Error::other(Cancelled)))
    }
}

fn is_cancelled(error: &Error) -> bool {
    error.source().is_some_and(|source| source.is::<Cancelled>())
}

fn named(job: &Job, error: &Error) -> Error {
    Error::other(format!("{}: {error}", job.path.display()))
}
