//! Decoding to device memory, compared with software decoding and with the published hashes.

use crate::{
    backend::{Backend, Nvidia},
    picture,
    run::{Outcome, Run},
};
use anyhow::{Context, Result, ensure};
use avsluice::{Decoder, Demuxer, Device, ErrorKind, Stream, System, decode};

pub fn hwaccel<B: Backend>(run: &Run<B>) -> Result<Outcome> {
    let expected = software(run, &[])?;
    excuse_damage(run, decode(run, &expected.hashes, |device, video| Decoder::new(device, video)))
}

/// What differs is no failure of the machine where the input itself is damaged: each decoder hides that in its own way.
pub fn excuse_damage<B: Backend>(run: &Run<B>, result: Result<Outcome>) -> Result<Outcome> {
    result.or_else(|error| {
        let cause = error.chain().find_map(|cause| cause.downcast_ref::<avsluice::Error>());
        let of_the_picture = cause.is_none_or(|cause| *cause.kind() == ErrorKind::InvalidData);
        match damage(run)? {
            Some(damage) if of_the_picture => Ok(Outcome::Skipped(format!(
                "the input is damaged, which each decoder hides in its own way: {error:#}; software decoding says: {damage}"
            ))),
            _ => Err(error),
        }
    })
}

pub fn cuvid(run: &Run<Nvidia>) -> Result<Outcome> {
    let (_, video) = run.open_input()?;
    if video.codec() != "h264" {
        return Ok(Outcome::Skipped(format!("the input is {}, not H.264", video.codec())));
    }
    let expected = software(run, &[])?.hashes;
    let checked =
        |expected: &[String]| decode(run, expected, |device, video| Decoder::new(device, video).codec("h264_cuvid"));
    let result = checked(&expected).or_else(|error| {
        // A flaw of FFmpeg's, which nvdec does not have: the pictures that an MP4 file's edit list leaves out are shown too.
        match software(run, &[("ignore_editlist", "1")]) {
            Ok(all) if all.hashes != expected && checked(&all.hashes).is_ok() => Ok(Outcome::Skipped(format!(
                "FFmpeg's: h264_cuvid shows what the file's edit list leaves out, in all {} pictures where there are {}",
                all.hashes.len(),
                expected.len()
            ))),
            _ => Err(error),
        }
    });
    excuse_damage(run, result)
}

fn decode<B: Backend>(
    run: &Run<B>,
    expected: &[String],
    decoder: impl for<'d> Fn(&'d Device<B::Memory>, &Stream) -> Decoder<'d, B::Memory, decode::Configured>,
) -> Result<Outcome> {
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
    let published = published(run, expected)?;
    run.passed(format!("{count} frames, equal to software decoding{published}"))
}

/// What software decoding makes of the first pictures.
struct Software {
    hashes: Vec<String>,
    /// What it says of damage, if it found any.
    damage: Option<String>,
}

/// What software decoding says of damage. It need not say anything: but in pictures that it has to make up, two threads have other
/// neighbours to take from than one.
fn damage<B: Backend>(run: &Run<B>) -> Result<Option<String>> {
    let (one, two) = (software(run, &[])?, software_in(run, &[], 2)?);
    let differs = one.hashes.iter().zip(&two.hashes).position(|(one, two)| one != two);
    Ok(one.damage.or(two.damage).or(differs.map(|frame| format!("frame {frame} is another with two threads"))))
}

/// Decodes in software, the file being opened with these options too.
fn software<B: Backend>(run: &Run<B>, options: &[(&str, &str)]) -> Result<Software> {
    // In one thread each line of the log belongs to a picture that was asked for.
    software_in(run, options, 1)
}

fn software_in<B: Backend>(run: &Run<B>, options: &[(&str, &str)], threads: u32) -> Result<Software> {
    let options = options.iter().fold(Demuxer::options(), |all, (name, value)| all.option(name, value));
    let mut input = options.open(&run.input)?;
    let video = input.video()?;
    let mut frames = Decoder::new(System, &video).threads(threads).open()?.frames(input.packets(&video));
    let hashes: Result<Vec<_>> = frames.by_ref().take(run.frames).map(|frame| picture::md5(&frame?)).collect();
    let hashes = hashes?;
    ensure!(!hashes.is_empty(), "the input has no picture");
    let report = frames.close().free();
    let said = report.log.into_iter().find(|line| DAMAGE.iter().any(|words| line.contains(words)));
    let counted = (report.damaged > 0).then(|| format!("{} packets were refused", report.damaged));
    Ok(Software { hashes, damage: said.or(counted) })
}

/// What FFmpeg's H.264 decoder says of a damaged picture.
const DAMAGE: [&str; 3] = ["error while decoding", "concealing", "Invalid data found"];

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
