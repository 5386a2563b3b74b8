//! NVIDIA: NVDEC and NVENC with CUDA memory.

use super::Backend;
use crate::{
    checks::{self, CLOCK, Check, FORMAT, check},
    run::{Driver, Run},
};
use anyhow::Result;
use avsluice::{Cuda, Device, Encoder, Error, FramePool, System, TeardownReport, nvenc};
use simgpu::Simgpu;
use std::path::Path;

pub struct Nvidia;

impl Backend for Nvidia {
    type Memory = Cuda;
    type H264 = nvenc::H264;
    const NAME: &'static str = "nvidia";
    const ENCODER: &'static str = "h264_nvenc";
    const HWACCEL: &'static str = "nvdec";
    const ABSENT: &'static str = "this machine has no NVIDIA GPU";
    const EXTRA: &'static [(&'static str, Check<Self>)] =
        &[("decode", check("decode-cuvid", "decode with h264_cuvid", 300, checks::decode::cuvid))];

    fn is_present() -> bool {
        simgpu::has_real_gpu()
    }
    fn simulate() -> Result<Simgpu> {
        Ok(simgpu::start()?)
    }
    fn prepare(_reason: Option<&'static str>) -> Result<()> {
        Ok(())
    }
    fn device(_driver: Driver) -> Result<Device<Cuda>, Error> {
        Device::cuda(0)
    }
    fn h264() -> nvenc::H264 {
        nvenc::H264::new()
    }
    fn encoders(pool: &FramePool<'_, Cuda>) -> Vec<(&'static str, Result<(), Error>)> {
        vec![
            ("h264_nvenc", super::open(pool, nvenc::H264::new())),
            ("hevc_nvenc", super::open(pool, nvenc::Hevc::new())),
        ]
    }
    fn decoders() -> &'static [&'static str] {
        &["h264_cuvid"]
    }
    /// NVENC takes pictures of the host's itself.
    fn encode_from_host(run: &Run<Self>, path: &Path) -> Result<TeardownReport> {
        let device = run.device()?;
        let pool = FramePool::new(System, FORMAT)?;
        let encoder = Encoder::new(&pool, CLOCK, Self::h264()).on(&device).open()?;
        #[allow(clippy::redundant_closure)]
        // the closure shortens the frame's lifetime to the encoder's, `Ok` itself does not
        let report = checks::encode::write(run, encoder, path, |frame| Ok(frame))?;
        run.close(device)?;
        Ok(report)
    }
}
