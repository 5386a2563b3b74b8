//! The checks, in the order in which a user reads them: what is there, decoding, encoding, the whole way, the ends of lives.

pub mod decode;
pub mod device;
pub mod encode;
mod life;
mod transcode;

use crate::{
    backend::Backend,
    run::{Outcome, Run},
};
use anyhow::Result;
use avsluice::{Format, PixelFormat, TimeBase};

/// The pictures that the checks paint.
pub const FORMAT: Format = Format { width: 640, height: 360, pixels: PixelFormat::Nv12 };
pub const CLOCK: TimeBase = TimeBase::hz(25);

/// One check.
pub struct Check<B: Backend> {
    pub name: &'static str,
    pub title: &'static str,
    /// How long it may make no progress: no line of output, no work of the CPU.
    pub seconds: u64,
    pub run: fn(&Run<B>) -> Result<Outcome>,
    /// Violations that the check provokes, by a part of their text.
    pub allows: &'static [&'static str],
}

impl<B: Backend> Clone for Check<B> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<B: Backend> Copy for Check<B> {}

pub const fn check<B: Backend>(
    name: &'static str,
    title: &'static str,
    seconds: u64,
    run: fn(&Run<B>) -> Result<Outcome>,
) -> Check<B> {
    Check { name, title, seconds, run, allows: &[] }
}

/// What the simulated driver says of a session that is destroyed with pictures inside.
const UNDRAINED: &str = "never collected";

/// A backend's checks.
pub fn all<B: Backend>() -> Vec<Check<B>> {
    let common = [
        check("device", "device", 60, device::device),
        check("capabilities", "capabilities", 60, device::capabilities),
        check("decode", "decode to device memory", 300, decode::hwaccel),
        check("encode", "encode from system memory", 300, encode::from_system_memory),
        check("transcode", "zero-copy transcode", 300, transcode::zero_copy),
        check("compare", "output decoded in software", 600, transcode::compare),
        check("drain", "drain", 300, encode::drain),
        Check { allows: &[UNDRAINED], ..check("drop", "drop without flush", 120, life::drop_without_flush) },
        check("four", "four encoders on one device", 300, life::four_encoders),
        check("cycles", "100 open/close cycles", 600, life::cycles),
        check("references", "what is left", 120, life::references),
    ];
    let extra =
        |after: &'static str| B::EXTRA.iter().filter(move |(place, _)| *place == after).map(|(_, check)| *check);
    common.into_iter().flat_map(|check| std::iter::once(check).chain(extra(check.name))).collect()
}
