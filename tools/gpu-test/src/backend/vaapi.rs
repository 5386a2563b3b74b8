//! VA-API: what Intel's and AMD's drivers offer on Linux.

use super::Backend;
use crate::{
    checks::{self, CLOCK, Check, FORMAT, check},
    run::{Driver, Run},
};
use anyhow::{Result, bail};
use avsluice::{Device, Encoder, Error, FramePool, TeardownReport, vaapi};
use simgpu::Simgpu;
use std::{os::unix::process::CommandExt as _, path::Path, process::Command};

pub struct Vaapi;

impl Backend for Vaapi {
    type Memory = avsluice::Vaapi;
    type H264 = vaapi::H264;
    const NAME: &'static str = "vaapi";
    const ENCODER: &'static str = "h264_vaapi";
    const HWACCEL: &'static str = "vaapi";
    const ABSENT: &'static str = "this machine has no GPU with a VA-API driver";
    const EXTRA: &'static [(&'static str, Check<Self>)] =
        &[("encode", check("map", "surfaces mapped for the host", 120, checks::device::mapped))];

    /// FFmpeg 7 leaks the pictures that are in an encoder's list at its close, and with them pools and device.
    fn leaked_by_encoders() -> &'static [&'static str] {
        if avsluice::libavcodec_version().0 == 61 { &["va_surface", "va_display"] } else { &[] }
    }
    fn is_present() -> bool {
        Device::vaapi_any().is_ok()
    }
    fn simulate() -> Result<Simgpu> {
        Ok(simgpu::va::start()?)
    }
    /// libva reads where its drivers are from the environment, as the program begins.
    fn prepare(reason: Option<&'static str>) -> Result<()> {
        if simgpu::va::is_prepared() {
            return Ok(());
        }
        let mut command = Command::new(std::env::current_exe()?);
        command.args(std::env::args_os().skip(1)).envs(simgpu::va::environment()?);
        if let Some(reason) = reason {
            command.args(["--driver", Driver::Simulated.name(), "--reason", reason]);
        }
        bail!("the program cannot be started anew: {}", command.exec());
    }
    fn device(driver: Driver) -> Result<Device<Self::Memory>, Error> {
        match driver {
            Driver::Hardware => Device::vaapi_any(),
            Driver::Simulated => Device::vaapi(simgpu::va::NODE),
        }
    }
    fn h264() -> vaapi::H264 {
        vaapi::H264::new()
    }
    fn encoders(pool: &FramePool<'_, Self::Memory>) -> Vec<(&'static str, Result<(), Error>)> {
        vec![
            ("h264_vaapi", super::open(pool, vaapi::H264::new())),
            ("hevc_vaapi", super::open(pool, vaapi::Hevc::new())),
        ]
    }
    fn decoders() -> &'static [&'static str] {
        &[]
    }
    /// These encoders take surfaces alone.
    fn encode_from_host(run: &Run<Self>, path: &Path) -> Result<TeardownReport> {
        let device = run.device()?;
        let pool = FramePool::new(&device, FORMAT)?;
        let encoder = Encoder::new(&pool, CLOCK, Self::h264()).open()?;
        let report = checks::encode::write(run, encoder, path, |frame| Ok(frame.upload(&pool)?))?;
        drop(pool);
        run.close(device)?;
        Ok(report)
    }
}
