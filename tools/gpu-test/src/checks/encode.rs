//! Encoding, and the end of it.

use super::{CLOCK, FORMAT};
use crate::{
    backend::Backend,
    picture,
    run::{Driver, Outcome, Run},
};
use anyhow::{Result, ensure};
use avsluice::{
    Decoder, Demuxer, Encoder, Frame, FramePool, Limit, Memory, Muxer, Outcome as Ending, System, TeardownReport,
};
use std::path::Path;

/// The lowest luma PSNR that counts as the same picture, in dB, where the encoder is a real and lossy one at a low quantizer.
pub const SAME_PICTURE: f64 = 35.0;

pub fn from_system_memory<B: Backend>(run: &Run<B>) -> Result<Outcome> {
    let path = run.work.join("system.mp4");
    let report = B::encode_from_host(run, &path)?;
    ensure!(report.received == run.frames as u64, "{report}");

    let mut file = Demuxer::open(&path)?;
    let video = file.video()?;
    let mut count = 0;
    let mut worst = f64::INFINITY;
    for frame in Decoder::new(System, &video).open()?.frames(file.packets(&video)) {
        let mut due = Frame::system(FORMAT)?;
        picture::paint(&mut due, count)?;
        worst = worst.min(picture::luma_psnr(&frame?, &due)?);
        count += 1;
    }
    ensure!(count == run.frames, "{count} frames in the file");
    let same = same(run, worst)?;
    run.passed(format!("{} frames in, {} packets out, decoded: {same}", report.sent, report.received))
}

/// Encodes painted pictures into a file; `prepare` brings each to where the encoder takes it.
pub fn write<'d, B: Backend, M: Memory>(
    run: &Run<B>,
    mut encoder: Encoder<'d, M>,
    path: &Path,
    prepare: impl Fn(Frame<'static, System>) -> Result<Frame<'d, M>>,
) -> Result<TeardownReport> {
    let mut output = Muxer::create(path)?;
    let track = output.add(&encoder)?;
    let mut output = output.open()?;
    for number in 0..run.frames {
        let mut frame = Frame::system(FORMAT)?;
        picture::paint(&mut frame, number)?;
        for packet in encoder.send(prepare(frame)?)? {
            output.write(track, packet?)?;
        }
        run.progress(number + 1, run.frames);
    }
    let report = encoder.flush()?.finish(Limit::default(), |packet| output.write(track, packet))?.free();
    output.finish()?;
    Ok(report)
}

/// The simulated encoder loses nothing; a real one little.
pub fn same<B: Backend>(run: &Run<B>, worst: f64) -> Result<String> {
    match run.driver {
        Driver::Simulated => {
            ensure!(worst.is_infinite(), "the pictures differ: {worst:.1} dB, and the simulated encoder is lossless");
            Ok("bit-exact".into())
        }
        Driver::Hardware => {
            ensure!(worst >= SAME_PICTURE, "the pictures differ: {worst:.1} dB luma PSNR");
            Ok(format!("luma PSNR at least {worst:.1} dB"))
        }
    }
}

/// Packets out equal frames in, with reordering; and the end of a stream in which nothing was sent.
pub fn drain<B: Backend>(run: &Run<B>) -> Result<Outcome> {
    let device = run.device()?;
    let pool = FramePool::new(&device, FORMAT)?;
    let mut encoder = Encoder::new(&pool, CLOCK, B::h264()).max_b_frames(2).open()?;
    let mut host = Frame::system(FORMAT)?;
    let mut out = 0usize;
    for number in 0..run.frames {
        picture::paint(&mut host, number)?;
        for packet in encoder.send(host.upload(&pool)?)? {
            drop(packet?);
            out += 1;
        }
    }
    let inside = encoder.in_flight();
    ensure!(out + inside == run.frames, "{out} packets and {inside} in flight of {}", run.frames);
    let report = encoder.flush()?.finish(Limit::default(), |_| Ok(()))?.free();
    ensure!(report.received == run.frames as u64 && report.lost == 0, "{report}");
    ensure!(matches!(report.outcome, Ending::Drained), "{report}");

    let unused = Encoder::new(&pool, CLOCK, B::h264()).open()?;
    let unused = unused.flush()?.finish(Limit::default(), |_| Ok(()))?.free();
    ensure!(unused.received == 0 && matches!(unused.outcome, Ending::Drained), "with no frame: {unused}");
    drop(pool);
    run.close(device)?;
    run.passed(format!("{inside} of {} frames came out after the end of stream; none was lost", run.frames))
}
