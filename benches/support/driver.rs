//! The driver that a bench runs on. Its name stands in the benchmark's: what the simulated driver does is no GPU's performance.

use avsluice::{Device, Result};

/// `SIMULATED`, or the GPU's name. Starts the simulated driver on a machine that has no NVIDIA GPU.
pub fn label() -> Result<String> {
    match simgpu::start_if_no_gpu().map_err(avsluice::Error::other)? {
        Some(_) => Ok("SIMULATED".into()),
        None => {
            let device = Device::cuda(0)?;
            let name = device.name()?;
            device.close()?;
            Ok(name)
        }
    }
}

/// Says why a bench does not run: a GPU without NVENC, or an FFmpeg without a codec, is no failure of a bench.
pub fn skip<T>(bench: &str, result: Result<T>) -> Option<T> {
    result.map_err(|error| eprintln!("{bench}: skipped: {error}")).ok()
}
