//! The SIMULATED VA-API driver, for Intel's and AMD's side of FFmpeg: h264_vaapi and the vaapi hwaccel run on a machine with no GPU.
//!
//! libva finds its drivers by the environment, and asks libdrm what a node is: both are settled before a program begins. So it runs
//! in a process that is given [`environment`]; there [`start`] gives the ledger, as [`simgpu::start`](crate::start) does, and the
//! GPU is [`NODE`], by its DRM connection (`connection_type=drm`).
//!
//! ```
//! let mut ffmpeg = std::process::Command::new("ffmpeg");
//! ffmpeg.envs(simgpu::va::environment()?).env("SIMGPU_REPORT", "ledger.json");
//! ffmpeg.args(["-init_hw_device", "vaapi=va:/dev/null,connection_type=drm", "-version"]);
//! # Ok::<(), simgpu::StartError>(())
//! ```

use crate::driver::Simgpu;
use crate::start::{StartError, core, directory};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, fs, process};

/// The GPU's node: libva wants a file that can be opened, and this is one everywhere.
pub const NODE: &str = "/dev/null";

/// What libva calls the driver.
const DRIVER: &str = "sim";
const PREPARED: &str = "SIMGPU_VA";
const DRM: &str = "libsimgpu_drm.so";
pub(crate) const CORE: &str = "libsimgpu_core.so";
/// Beside the libraries: libva looks in a folder for a file named after the driver.
const FOLDER: &str = "simgpu-va";

/// What to run a program with: variables and their values, for [`Command::envs`](process::Command::envs).
///
/// # Errors
/// When the libraries are not where they were built, or the folder for libva cannot be written beside them.
pub fn environment() -> Result<Vec<(OsString, OsString)>, StartError> {
    let directory = directory();
    let drm = directory.join(DRM);
    for library in [&drm, &directory.join(CORE)] {
        if !library.exists() {
            return Err(StartError::Library { path: library.clone(), reason: "no such file".into() });
        }
    }
    let folder = link(&directory).map_err(|error| StartError::Library {
        path: directory.join(FOLDER),
        reason: format!("libva cannot be shown the driver: {error}"),
    })?;
    let mut preload = drm.into_os_string();
    if let Some(others) = env::var_os("LD_PRELOAD").filter(|others| !others.is_empty()) {
        preload.push(":");
        preload.push(others);
    }
    Ok(vec![
        ("LD_PRELOAD".into(), preload),
        ("LIBVA_DRIVER_NAME".into(), DRIVER.into()),
        ("LIBVA_DRIVERS_PATH".into(), folder.into_os_string()),
        // libva tells the standard error of each driver that it opens.
        ("LIBVA_MESSAGING_LEVEL".into(), "0".into()),
        (PREPARED.into(), "1".into()),
    ])
}

/// Whether this process was given [`environment`].
pub fn is_prepared() -> bool {
    env::var_os(PREPARED).is_some()
}

/// The SIMULATED VA-API driver of this process, which was given [`environment`]. It needs no NVIDIA driver, and minds none.
///
/// # Errors
/// As [`simgpu::start`](crate::start).
pub fn start() -> Result<Simgpu, StartError> {
    core(&directory().join(CORE))
}

/// The folder with the driver's link in it, made once for all programs.
fn link(directory: &Path) -> std::io::Result<PathBuf> {
    let folder = directory.join(FOLDER);
    let name = folder.join(format!("{DRIVER}_drv_video.so"));
    let target = Path::new("..").join(CORE);
    if fs::read_link(&name).is_ok_and(|found| found == target) {
        return Ok(folder);
    }
    fs::create_dir_all(&folder)?;
    // Made beside and renamed: another program, or another thread, may look at this moment.
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let beside = folder.join(format!("{}-{}.part", process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::os::unix::fs::symlink(&target, &beside)?;
    fs::rename(&beside, &name)?;
    Ok(folder)
}
