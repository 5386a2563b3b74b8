//! Opening the driver libraries in this process.

use crate::driver::{Functions, Simgpu};
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use std::ffi::{OsStr, c_int, c_uint};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The interface of the driver's core that this client is written for.
const INTERFACE: u32 = 1;
/// `RTLD_NOLOAD` of glibc and musl: only find what is loaded.
const RTLD_NOLOAD: c_int = 4;

const CUDA: &str = "libcuda.so.1";
/// What cargo calls the libraries, and what they call themselves.
const LIBRARIES: [&str; 3] = ["libsimgpu_libcuda.so", "libsimgpu_libnvidia_encode.so", "libsimgpu_libnvcuvid.so"];

/// One of these exists on every machine with a working NVIDIA driver: Linux, WSL, Jetson.
const DEVICE_FILES: [&str; 4] = ["/dev/nvidiactl", "/dev/dxg", "/dev/nvhost-ctrl", "/dev/nvgpu"];

static STARTED: Mutex<Option<Simgpu>> = Mutex::new(None);

/// Why the simulated driver was not started.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// A real `libcuda.so.1` is loaded in this process, so FFmpeg would find that.
    RealDriverLoaded,
    /// A driver library could not be opened.
    Library {
        /// Which.
        path: PathBuf,
        /// What the dynamic linker said.
        reason: String,
    },
    /// The libraries were built from another version of simgpu.
    OtherVersion {
        /// Where they are.
        path: PathBuf,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::RealDriverLoaded => f.write_str(
                "a real libcuda.so.1 is loaded in this process already: start the simulated driver before anything opens CUDA",
            ),
            StartError::Library { path, reason } => write!(
                f,
                "cannot open the simulated driver {}: {reason}. Cargo builds it with the crate simgpu; if the target directory \
                 was moved or cleaned, build again or set SIMGPU_DIR to the directory that holds {}",
                path.display(),
                LIBRARIES[0],
            ),
            StartError::OtherVersion { path } => write!(
                f,
                "the simulated driver in {} is of another version than this program: build both together",
                path.display()
            ),
        }
    }
}

impl std::error::Error for StartError {}

/// Starts the SIMULATED NVIDIA driver in this process. A second call gives the same driver.
///
/// # Errors
/// When a real driver is loaded in this process, or the libraries are not where they were built.
///
/// ```
/// let gpu = simgpu::start()?;
/// println!("{}", gpu.ledger());
/// # Ok::<(), simgpu::StartError>(())
/// ```
pub fn start() -> Result<Simgpu, StartError> {
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(simgpu) = *started {
        return Ok(simgpu);
    }
    // A simulated driver may be here by LD_PRELOAD; it has the core's functions.
    let simgpu = match loaded_cuda() {
        Some(library) => {
            Simgpu { functions: functions(&library, Path::new(CUDA))?.ok_or(StartError::RealDriverLoaded)? }
        }
        None => load()?,
    };
    *started = Some(simgpu);
    Ok(simgpu)
}

/// Starts the SIMULATED driver unless this machine has a working NVIDIA GPU; `None` when it has one.
///
/// # Errors
/// As [`start`]; also when a real driver was found, does not work, and cannot be unloaded.
///
/// ```
/// match simgpu::start_if_no_gpu()? {
///     Some(gpu) => println!("SIMULATED: {}", gpu.ledger()),
///     None => println!("on the GPU of this machine"),
/// }
/// # Ok::<(), simgpu::StartError>(())
/// ```
pub fn start_if_no_gpu() -> Result<Option<Simgpu>, StartError> {
    let started = *STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if started.is_none() && has_real_gpu() {
        return Ok(None);
    }
    start().map(Some)
}

/// The driver libraries, for `LD_PRELOAD` of a program that cannot call [`start`], such as `ffmpeg`: join them with colons.
///
/// ```
/// let preload: Vec<String> = simgpu::libraries().iter().map(|path| path.display().to_string()).collect();
/// let mut ffmpeg = std::process::Command::new("ffmpeg");
/// ffmpeg.env("LD_PRELOAD", preload.join(":")).env("SIMGPU_REPORT", "ledger.json");
/// ```
pub fn libraries() -> [PathBuf; 3] {
    let directory = directory();
    LIBRARIES.map(|library| directory.join(library))
}

/// The driver behind its core library alone, which is opened for good.
pub(crate) fn core(path: &Path) -> Result<Simgpu, StartError> {
    let failed = |reason: String| StartError::Library { path: path.to_owned(), reason };
    if !path.exists() {
        return Err(failed("no such file".into()));
    }
    let library = open(path.as_os_str(), RTLD_NOW | RTLD_GLOBAL).map_err(|error| failed(reason(&error)))?;
    let functions = functions(&library, path)?.ok_or_else(|| StartError::OtherVersion { path: path.to_owned() })?;
    std::mem::forget(library);
    Ok(Simgpu { functions })
}

/// Where the libraries are: where the environment says, where cargo built them, or beside this program.
pub(crate) fn directory() -> PathBuf {
    if let Some(directory) = std::env::var_os("SIMGPU_DIR") {
        return directory.into();
    }
    let built = PathBuf::from(env!("SIMGPU_BUILT"));
    let program = std::env::current_exe().ok();
    let beside = program.as_deref().and_then(Path::parent);
    let candidates = [Some(built.clone()), beside.map(Path::to_owned), beside.map(|beside| beside.join("deps"))];
    let found = candidates.into_iter().flatten().find(|directory| directory.join(LIBRARIES[0]).exists());
    found.unwrap_or(built)
}

fn open(name: &OsStr, flags: c_int) -> Result<Library, libloading::Error> {
    // SAFETY: opening runs the library's initialisers. Those of the simulated driver are Rust's own, which do nothing harmful;
    // a real libcuda is opened here only on a machine that has its device, where any CUDA program does the same.
    unsafe { Library::open(Some(name), flags) }
}

/// The library that FFmpeg would find as libcuda without opening a file.
fn loaded_cuda() -> Option<Library> {
    open(CUDA.as_ref(), RTLD_NOW | RTLD_NOLOAD).ok()
}

fn load() -> Result<Simgpu, StartError> {
    let mut functions_found = None;
    for path in libraries() {
        let failed = |reason: String| StartError::Library { path: path.clone(), reason };
        if !path.exists() {
            return Err(failed("no such file".into()));
        }
        let library = open(path.as_os_str(), RTLD_NOW | RTLD_GLOBAL).map_err(|error| failed(reason(&error)))?;
        if functions_found.is_none() {
            functions_found = functions(&library, &path)?;
        }
        // Open for good: the driver must stay while FFmpeg opens and closes it.
        std::mem::forget(library);
    }
    let path = directory();
    functions_found.map(|functions| Simgpu { functions }).ok_or(StartError::OtherVersion { path })
}

/// libloading's own text only names the function that failed; the reason is its source.
fn reason(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// The core's functions, None when the library is not the simulated driver.
fn functions(library: &Library, path: &Path) -> Result<Option<Functions>, StartError> {
    // SAFETY: this name is the core's alone, and its type never changes.
    let Ok(interface) = (unsafe { library.get::<unsafe extern "C" fn() -> c_uint>(b"simgpu_interface\0") }) else {
        return Ok(None);
    };
    let other_version = || StartError::OtherVersion { path: path.to_owned() };
    // SAFETY: it takes nothing and only returns a number.
    if unsafe { interface() } != INTERFACE {
        return Err(other_version());
    }
    macro_rules! get {
        ($name:literal) => {
            // SAFETY: the core's interface version is the one whose functions have the types in `Functions`.
            *unsafe { library.get(concat!($name, "\0").as_bytes()) }.map_err(|_| other_version())?
        };
    }
    Ok(Some(Functions {
        ledger: get!("simgpu_ledger"),
        configure: get!("simgpu_configure"),
        fail: get!("simgpu_fail"),
        clear_faults: get!("simgpu_clear_faults"),
        reset_counters: get!("simgpu_reset_counters"),
        note: get!("simgpu_note"),
    }))
}

/// Whether a real NVIDIA driver is here and has a GPU. A driver that does not work is closed again.
pub fn has_real_gpu() -> bool {
    // Without its device there is no use in opening libcuda, which might then not unload and stand in the simulation's way.
    let loaded = loaded_cuda();
    if loaded.is_none() && !DEVICE_FILES.iter().any(|file| Path::new(file).exists()) {
        return false;
    }
    let Some(library) = loaded.or_else(|| open(CUDA.as_ref(), RTLD_NOW).ok()) else { return false };
    // SAFETY: the simulated driver has this symbol, a real one has not; it is looked up, not called.
    if unsafe { library.get::<unsafe extern "C" fn() -> c_uint>(b"simgpu_interface\0") }.is_ok() {
        return false;
    }
    // SAFETY: these are libcuda's functions with the types of its documentation.
    unsafe {
        let Ok(init) = library.get::<unsafe extern "C" fn(c_uint) -> c_uint>(b"cuInit\0") else { return false };
        let Ok(count) = library.get::<unsafe extern "C" fn(*mut c_int) -> c_uint>(b"cuDeviceGetCount\0") else {
            return false;
        };
        let mut devices = 0;
        let works = init(0) == 0 && count(&mut devices) == 0 && devices > 0;
        if works {
            // It stays: unloading CUDA after it was initialised is asking for trouble.
            std::mem::forget(library);
        }
        works
    }
}
