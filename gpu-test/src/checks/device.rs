//! What is there.

use crate::run::{Outcome, Run};
use anyhow::Result;
use avsluice::{Decoder, Encoder, Error, Format, FramePool, PixelFormat, TimeBase, encode::Encodes, nvenc};

pub fn device(run: &Run) -> Result<Outcome> {
    let device = run.device()?;
    let name = device.name()?;
    device.close()?;
    run.passed(name)
}

/// Opens each codec once: what a driver lists and what it opens are two things.
pub fn capabilities(run: &Run) -> Result<Outcome> {
    let device = run.device()?;
    let pool = FramePool::new(&device, Format { width: 640, height: 480, pixels: PixelFormat::Nv12 })?;
    let mut found = Vec::new();
    let mut missing = Vec::new();
    let mut note = |name: &str, result: Result<(), Error>| match result {
        Ok(()) => found.push(name.to_string()),
        Err(error) => {
            missing.push(format!("{name} ({})", error.explanation().map_or_else(|| error.to_string(), str::to_string)))
        }
    };
    note("h264_nvenc", open(&pool, nvenc::H264::new()));
    note("hevc_nvenc", open(&pool, nvenc::Hevc::new()));
    let (input, video) = run.open_input()?;
    drop(input);
    note("nvdec", Decoder::new(&device, &video).open().map(drop).map_err(Error::from));
    note("h264_cuvid", Decoder::new(&device, &video).codec("h264_cuvid").open().map(drop).map_err(Error::from));
    drop(pool);
    device.close()?;
    let missing = if missing.is_empty() { String::new() } else { format!("; not {}", missing.join(", ")) };
    run.passed(format!("{}{missing}", found.join(", ")))
}

fn open<O: Encodes<avsluice::Cuda>>(pool: &FramePool<avsluice::Cuda>, options: O) -> Result<(), Error> {
    Encoder::new(pool, TimeBase::hz(25), options).open()?.flush()?.abandon().free();
    Ok(())
}
