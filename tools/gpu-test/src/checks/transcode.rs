//! File -> decoder -> encoder -> file, with no frame leaving device memory.

use super::{decode::excuse_damage, encode::same};
use crate::{
    backend::Backend,
    picture,
    run::{Outcome, Run},
};
use anyhow::{Context, Result, ensure};
use avsluice::{Decoder, Demuxer, Encoder, Limit, Muxer, System, TeardownReport, transfer};
use std::path::Path;

pub fn zero_copy<B: Backend>(run: &Run<B>) -> Result<Outcome> {
    let before = (transfer::stats(), run.simulation.map(|driver| driver.ledger().bytes));
    let (decoder, encoder) = transcode(run, &run.work.join("zero_copy.mp4"))?;
    let counted = transfer::stats();
    let (up, down) = match (run.simulation, before.1) {
        // The driver's own count leaves no copy out.
        (Some(driver), Some(before)) => {
            let bytes = driver.ledger().bytes;
            (bytes.host_to_device - before.host_to_device, bytes.device_to_host - before.device_to_host)
        }
        _ => (counted.uploaded_bytes - before.0.uploaded_bytes, counted.downloaded_bytes - before.0.downloaded_bytes),
    };
    ensure!(up == 0 && down == 0, "{up} bytes were copied host->device, {down} device->host");
    ensure!(encoder.sent == decoder.received, "{} frames decoded, {} encoded", decoder.received, encoder.sent);
    ensure!(encoder.received == encoder.sent && encoder.lost == 0, "{encoder}");
    run.passed(format!(
        "{} frames in, {} packets out, {up} bytes host->device, {down} bytes device->host",
        encoder.sent, encoder.received
    ))
}

/// The reports of the decoder and of the encoder.
fn transcode<B: Backend>(run: &Run<B>, path: &Path) -> Result<(TeardownReport, TeardownReport)> {
    let device = run.device()?;
    let (mut input, video) = run.open_input()?;
    let mut frames = Decoder::new(&device, &video).open()?.frames(input.packets(&video));
    let mut encoder = Encoder::new(&frames.pool()?, video.time_base(), B::h264()).open()?;
    let mut output = Muxer::create(path)?;
    let track = output.add(&encoder)?;
    let mut output = output.open()?;
    let mut count = 0;
    for frame in frames.by_ref().take(run.frames) {
        for packet in encoder.send(frame?)? {
            output.write(track, packet?)?;
        }
        count += 1;
        run.progress(count, run.frames);
    }
    let encoder = encoder.flush()?.finish(Limit::default(), |packet| output.write(track, packet))?.free();
    output.finish()?;
    let mut decoder = frames.close().free();
    // The decoder may have had more inside than was asked for.
    decoder.received = decoder.received.min(run.frames as u64);
    run.close(device)?;
    Ok((decoder, encoder))
}

pub fn compare<B: Backend>(run: &Run<B>) -> Result<Outcome> {
    excuse_damage(run, compared(run))
}

fn compared<B: Backend>(run: &Run<B>) -> Result<Outcome> {
    let path = run.work.join("compare.mp4");
    transcode(run, &path)?;
    let (mut input, source) = run.open_input()?;
    let mut file = Demuxer::open(&path)?;
    let copy = file.video()?;
    let mut sources = Decoder::new(System, &source).open()?.frames(input.packets(&source)).take(run.frames);
    let mut count = 0;
    let mut worst = f64::INFINITY;
    for frame in Decoder::new(System, &copy).open()?.frames(file.packets(&copy)) {
        let frame = frame?;
        let due = sources.next().with_context(|| format!("frame {count} is one more than the source has"))??;
        // Software and the device lay chroma out differently; the hash is of one layout.
        let equal = picture::md5(&frame)? == picture::md5(&due)?;
        worst = worst.min(if equal { f64::INFINITY } else { picture::luma_psnr(&frame, &due)?.min(99.0) });
        count += 1;
    }
    ensure!(count > 0 && sources.next().is_none(), "the output has {count} frames, fewer than the source");
    let same = same(run, worst)?;
    run.passed(format!("{count} frames: {same}"))
}
