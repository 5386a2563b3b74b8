//! Decoding to device memory, compared with software decoding and with the published hashes.

use crate::{
    backend::{Backend, Nvidia},
    picture,
    run::{Outcome, Run},
};
use anyhow::{Context, Result, ensure};
use avsluice::{Decoder, Device, Stream, System, decode};

pub fn hwaccel<B: Backend>(run: &Run<B>) -> Result<Outcome> {
    decode(run, |device, video| Decoder::new(device, video))
}

pub fn cuvid(run: &Run<Nvidia>) -> Result<Outcome> {
    let (_, video) = run.open_input()?;
    if video.codec() != "h264" {
        return Ok(Outcome::Skipped(format!("the input is {}, not H.264", video.codec())));
    }
    decode(run, |device, video| Decoder::new(device, video).codec("h264_cuvid"))
}

fn decode<B: Backend>(
    run: &Run<B>,
    decoder: impl for<'d> Fn(&'d Device<B::Memory>, &Stream) -> Decoder<'d, B::Memory, decode::Configured>,
) -> Result<Outcome> {
    let expected = software(run)?;
    let device = run.device()?;
    let (mut input, video) = run.open_input()?;
    let mut frames = decoder(&device, &video).open()?.frames(input.packets(&video));
    let mut count = 0;
    for frame in frames.by_ref().take(run.frames) {
        let hash = picture::md5(&frame?.download()?)?;
        let due = expected.get(count).with_context(|| format!("frame {count} is one more than software decodes"))?;
        ensure!(hash == *due, "frame {count} differs from the software decoder's: {hash}, {due}");
        count += 1;
        run.progress(count, expected.len());
    }
    ensure!(count == expected.len(), "{count} frames of {}", expected.len());
    let report = frames.close().free();
    ensure!(report.damaged == 0, "{} packets were refused: {:?}", report.damaged, report.log);
    run.close(device)?;
    let published = published(run, &expected)?;
    run.passed(format!("{count} frames, equal to software decoding{published}"))
}

/// The hashes of the first pictures, decoded in software.
fn software<B: Backend>(run: &Run<B>) -> Result<Vec<String>> {
    let (mut input, video) = run.open_input()?;
    let frames = Decoder::new(System, &video).open()?.frames(input.packets(&video));
    let hashes: Result<Vec<_>> = frames.take(run.frames).map(|frame| picture::md5(&frame?)).collect();
    let hashes = hashes?;
    ensure!(!hashes.is_empty(), "the input has no picture");
    Ok(hashes)
}

/// If the input is one of the test streams, its hashes are known.
fn published<B: Backend>(run: &Run<B>, hashes: &[String]) -> Result<&'static str> {
    let Some(stream) = media::all().into_iter().find(|stream| stream.path == run.input && !stream.frames.is_empty())
    else {
        return Ok("");
    };
    let due = &stream.frames[..hashes.len().min(stream.frames.len())];
    ensure!(hashes == due, "the pictures are not those that were published for {}", stream.name);
    Ok(" and to the published hashes")
}
