//! What the backends have in common: the checks are written once, for any of them.

mod nvidia;
mod vaapi;

pub use nvidia::Nvidia;
pub use vaapi::Vaapi;

use crate::run::{Driver, Run};
use anyhow::Result;
use avsluice::{Device, DeviceMemory, Error, FramePool, encode::Encodes};
use simgpu::Simgpu;

/// A kind of GPU with its driver.
pub trait Backend: Sized + 'static {
    /// Where its frames are.
    type Memory: DeviceMemory;
    /// Its H.264 encoder.
    type H264: Encodes<Self::Memory>;
    /// How the command line and the report call it.
    const NAME: &'static str;
    /// FFmpeg's name of that encoder.
    const ENCODER: &'static str;
    /// What FFmpeg decodes with on it when no decoder is named.
    const HWACCEL: &'static str;
    /// What nobody has when the simulated driver is taken by itself.
    const ABSENT: &'static str;
    /// Checks that no other backend has, with the name of the check that they come after.
    const EXTRA: &'static [(&'static str, crate::checks::Check<Self>)];

    /// What FFmpeg itself leaves alive of its encoders, as the ledger calls it: the defect of a version.
    fn leaked_by_encoders() -> &'static [&'static str] {
        &[]
    }
    /// Whether this machine has such a GPU, with a driver that works.
    fn is_present() -> bool;
    /// Starts the simulated driver in this process, which [`prepare`](Backend::prepare) may have started for it.
    fn simulate() -> Result<Simgpu>;
    /// Does what the simulated driver needs before the program runs: it may start the program anew, and not return.
    fn prepare(reason: Option<&'static str>) -> Result<()>;
    /// The machine's GPU, or the simulated one.
    fn device(driver: Driver) -> Result<Device<Self::Memory>, Error>;
    /// The H.264 encoder's options: its defaults.
    fn h264() -> Self::H264;
    /// Opens each encoder once: FFmpeg's name of it, and what came of it.
    fn encoders(pool: &FramePool<'_, Self::Memory>) -> Vec<(&'static str, Result<(), Error>)>;
    /// Decoders that are no hwaccel, by FFmpeg's name.
    fn decoders() -> &'static [&'static str];
    /// Encodes pictures of the host's into a file, in the way that costs this backend's programs least.
    fn encode_from_host(run: &Run<Self>, path: &std::path::Path) -> Result<avsluice::TeardownReport>;
}

/// Opens an encoder and closes it.
fn open<M: DeviceMemory, O: Encodes<M>>(pool: &FramePool<'_, M>, options: O) -> Result<(), Error> {
    avsluice::Encoder::new(pool, crate::checks::CLOCK, options).open()?.flush()?.abandon().free();
    Ok(())
}
