//! The checks, in the order in which a user reads them: what is there, decoding, encoding, the whole way, the ends of lives.

mod decode;
mod device;
mod encode;
mod life;
mod transcode;

use crate::run::{Outcome, Run};
use anyhow::Result;

/// One check.
pub struct Check {
    pub name: &'static str,
    pub title: &'static str,
    /// Its time limit.
    pub seconds: u64,
    pub run: fn(&Run) -> Result<Outcome>,
    /// Violations that the check provokes, by a part of their text.
    pub allows: &'static [&'static str],
}

const fn check(name: &'static str, title: &'static str, seconds: u64, run: fn(&Run) -> Result<Outcome>) -> Check {
    Check { name, title, seconds, run, allows: &[] }
}

/// What the simulated driver says of a session that is destroyed with pictures inside.
const UNDRAINED: &str = "never collected";

pub const ALL: &[Check] = &[
    check("device", "device", 60, device::device),
    check("capabilities", "capabilities", 60, device::capabilities),
    check("decode", "decode to device memory", 300, decode::nvdec),
    check("decode-cuvid", "decode with h264_cuvid", 300, decode::cuvid),
    check("encode", "encode from system memory", 300, encode::from_system_memory),
    check("transcode", "zero-copy transcode", 300, transcode::zero_copy),
    check("compare", "output decoded in software", 600, transcode::compare),
    check("drain", "drain", 300, encode::drain),
    Check { allows: &[UNDRAINED], ..check("drop", "drop without flush", 120, life::drop_without_flush) },
    check("four", "four encoders on one device", 300, life::four_encoders),
    check("cycles", "100 open/close cycles", 600, life::cycles),
    check("references", "what is left", 120, life::references),
];
