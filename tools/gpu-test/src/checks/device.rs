//! What is there.

use super::FORMAT;
use crate::{
    backend::{Backend, Vaapi},
    picture,
    run::{Outcome, Run},
};
use anyhow::{Result, ensure};
use avsluice::{Decoder, Error, Format, Frame, FramePool, Mapping, PixelFormat};

pub fn device<B: Backend>(run: &Run<B>) -> Result<Outcome> {
    let device = run.device()?;
    let name = device.name()?;
    run.close(device)?;
    run.passed(name)
}

/// Opens each codec once: what a driver lists and what it opens are two things.
pub fn capabilities<B: Backend>(run: &Run<B>) -> Result<Outcome> {
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
    for (name, opened) in B::encoders(&pool) {
        note(name, opened);
    }
    let (input, video) = run.open_input()?;
    drop(input);
    note(B::HWACCEL, Decoder::new(&device, &video).open().map(drop).map_err(Error::from));
    for name in B::decoders() {
        note(name, Decoder::new(&device, &video).codec(name).open().map(drop).map_err(Error::from));
    }
    drop(pool);
    run.close(device)?;
    let missing = if missing.is_empty() { String::new() } else { format!("; not {}", missing.join(", ")) };
    run.passed(format!("{}{missing}", found.join(", ")))
}

/// What the host sees through each kind of mapping is what a download gives.
pub fn mapped(run: &Run<Vaapi>) -> Result<Outcome> {
    let device = run.device()?;
    let pool = FramePool::new(&device, FORMAT)?;
    let mut host = Frame::system(FORMAT)?;
    picture::paint(&mut host, 1)?;
    let frame = host.upload(&pool)?;
    let due = picture::md5(&host)?;
    ensure!(picture::md5(&frame.download()?)? == due, "the download differs from what was uploaded");
    ensure!(
        picture::md5(&frame.map(Mapping::Copy)?.to_frame()?)? == due,
        "the driver's copy differs from what was uploaded"
    );
    let direct = match frame.map(Mapping::Direct) {
        Ok(direct) => {
            ensure!(
                picture::md5(&direct.to_frame()?)? == due,
                "the surface's own memory differs from what was uploaded"
            );
            "directly and as a copy"
        }
        Err(error) if *error.kind() == avsluice::ErrorKind::Unsupported => {
            "as a copy; this driver shows no surface directly"
        }
        Err(error) => return Err(error.into()),
    };
    drop((frame, pool));
    run.close(device)?;
    run.passed(format!("bit-exact, {direct}"))
}
