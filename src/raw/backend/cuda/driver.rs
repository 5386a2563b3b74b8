//! The CUDA driver library, loaded at run time as FFmpeg does: for what FFmpeg gives no way to do (an application's or the
//! primary context, waiting for a stream, saying what is missing).

use crate::error::{Error, ErrorKind, Result};
use libloading::{Library, Symbol};
use std::{
    ffi::{CStr, c_char, c_int, c_uint, c_void},
    ptr,
    sync::OnceLock,
};

/// A CUcontext or CUstream.
type Handle = *mut c_void;
type Status = c_int;

/// CU_CTX_SCHED_BLOCKING_SYNC, which FFmpeg sets too: waiting for the GPU does not spin.
const BLOCKING_SYNC: c_uint = 4;

#[cfg(windows)]
const LIBRARY: &str = "nvcuda.dll";
#[cfg(not(windows))]
const LIBRARY: &str = "libcuda.so.1";

macro_rules! functions {
    ($($name:ident: fn($($argument:ty),*);)*) => {
        /// The functions used here, by their names in the library.
        #[allow(non_snake_case)]
        struct Functions { $($name: unsafe extern "C" fn($($argument),*) -> Status,)* _library: Library }
        impl Functions {
            fn load() -> std::result::Result<Self, libloading::Error> {
                // SAFETY: the driver's initialisers are what any CUDA program runs; the library is never unloaded (OnceLock).
                let library = unsafe { Library::new(LIBRARY)? };
                // SAFETY: names and signatures are those of cuda.h, which NVIDIA keeps for these versions of the functions.
                unsafe { Ok(Functions { $($name: *symbol(&library, concat!(stringify!($name), "\0"))?,)* _library: library }) }
            }
        }
    };
}
functions! {
    cuInit: fn(c_uint);
    cuDeviceGetCount: fn(*mut c_int);
    cuDeviceGet: fn(*mut c_int, c_int);
    cuDeviceGetName: fn(*mut c_char, c_int, c_int);
    cuDevicePrimaryCtxGetState: fn(c_int, *mut c_uint, *mut c_int);
    cuDevicePrimaryCtxSetFlags: fn(c_int, c_uint);
    cuDevicePrimaryCtxRetain: fn(*mut Handle, c_int);
    cuDevicePrimaryCtxRelease: fn(c_int);
    cuCtxCreate_v2: fn(*mut Handle, c_uint, c_int);
    cuCtxDestroy_v2: fn(Handle);
    cuCtxPushCurrent_v2: fn(Handle);
    cuCtxPopCurrent_v2: fn(*mut Handle);
    cuCtxGetDevice: fn(*mut c_int);
    cuStreamSynchronize: fn(Handle);
    cuGetErrorName: fn(Status, *mut *const c_char);
}

/// # Safety
/// `T` is the symbol's type.
unsafe fn symbol<'l, T>(library: &'l Library, name: &str) -> std::result::Result<Symbol<'l, T>, libloading::Error> {
    // SAFETY: by the caller's word.
    unsafe { library.get(name.as_bytes()) }
}

/// The loaded library. A failure is not kept: a driver may be installed, or simulated, later.
fn driver() -> Result<&'static Functions> {
    static DRIVER: OnceLock<Functions> = OnceLock::new();
    if let Some(driver) = DRIVER.get() {
        return Ok(driver);
    }
    let driver = Functions::load().map_err(|error| {
        Error::new(ErrorKind::DriverMissing, "dlopen").detail(format!(
            "the NVIDIA driver's {LIBRARY} cannot be loaded ({error}): install the NVIDIA driver, or run with a simulated one"
        ))
    })?;
    Ok(DRIVER.get_or_init(|| driver))
}

impl Functions {
    fn check(&self, operation: &'static str, status: Status) -> Result<()> {
        if status == 0 {
            return Ok(());
        }
        let mut name = ptr::null();
        // SAFETY: the driver writes a pointer to a static string, or nothing for a status that it does not know.
        unsafe { (self.cuGetErrorName)(status, &mut name) };
        let name = if name.is_null() {
            format!("CUDA error {status}")
        } else {
            // SAFETY: not null, so a static terminated string of the driver's.
            unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
        };
        let kind = match status {
            2 => ErrorKind::OutOfMemory,
            100 | 101 => ErrorKind::NoDevice,
            801 => ErrorKind::Unsupported,
            _ => ErrorKind::Other,
        };
        Err(Error::new(kind, operation).detail(format!("the CUDA driver says {name}")))
    }
    fn device(&self, ordinal: u32) -> Result<c_int> {
        // SAFETY: cuInit may be called any number of times, from any thread.
        self.check("cuInit", unsafe { (self.cuInit)(0) })?;
        let (mut count, mut device) = (0, 0);
        // SAFETY: the driver writes to the variable whose address it is given.
        self.check("cuDeviceGetCount", unsafe { (self.cuDeviceGetCount)(&mut count) })?;
        let ordinal = c_int::try_from(ordinal).unwrap_or(c_int::MAX);
        if ordinal >= count {
            return Err(Error::new(ErrorKind::NoDevice, "cuDeviceGet")
                .detail(format!("there is no CUDA device {ordinal}: the driver knows {count}")));
        }
        // SAFETY: as above.
        self.check("cuDeviceGet", unsafe { (self.cuDeviceGet)(&mut device, ordinal) })?;
        Ok(device)
    }
}

/// A context that is given back to the driver in `Drop`: it owns the primary context's retain count, or a context of its own.
pub(crate) struct OwnedContext {
    handle: Handle,
    primary: Option<c_int>,
}

// SAFETY: a CUcontext may be used and destroyed from any thread.
unsafe impl Send for OwnedContext {}
// SAFETY: as above; `&OwnedContext` gives the handle alone.
unsafe impl Sync for OwnedContext {}

impl OwnedContext {
    /// Retains the device's primary context, which CUDA's run-time API and most libraries use. Its flags are set only if nobody
    /// has made it active: FFmpeg's own code refuses a context with other flags, which differ in how a wait is done alone.
    pub(crate) fn primary(ordinal: u32) -> Result<Self> {
        let driver = driver()?;
        let device = driver.device(ordinal)?;
        let (mut flags, mut active, mut handle) = (0, 0, ptr::null_mut());
        // SAFETY: the driver writes to the variables whose addresses it is given; the device comes from cuDeviceGet.
        unsafe {
            driver.check(
                "cuDevicePrimaryCtxGetState",
                (driver.cuDevicePrimaryCtxGetState)(device, &mut flags, &mut active),
            )?;
            if active == 0 {
                driver
                    .check("cuDevicePrimaryCtxSetFlags", (driver.cuDevicePrimaryCtxSetFlags)(device, BLOCKING_SYNC))?;
            }
            driver.check("cuDevicePrimaryCtxRetain", (driver.cuDevicePrimaryCtxRetain)(&mut handle, device))?;
        }
        Ok(OwnedContext { handle, primary: Some(device) })
    }
    /// Makes a context of its own on the device.
    pub(crate) fn create(ordinal: u32) -> Result<Self> {
        let driver = driver()?;
        let device = driver.device(ordinal)?;
        let (mut handle, mut popped) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the driver writes to the variables whose addresses it is given. cuCtxCreate makes the context current; the pop
        // leaves this thread as it was.
        unsafe {
            driver.check("cuCtxCreate", (driver.cuCtxCreate_v2)(&mut handle, BLOCKING_SYNC, device))?;
            let popped = (driver.cuCtxPopCurrent_v2)(&mut popped);
            let context = OwnedContext { handle, primary: None };
            driver.check("cuCtxPopCurrent", popped)?;
            Ok(context)
        }
    }
    pub(crate) fn handle(&self) -> Handle {
        self.handle
    }
}

impl Drop for OwnedContext {
    fn drop(&mut self) {
        let Ok(driver) = driver() else { return };
        // SAFETY: self owns the context or the retain count, and gives it back once.
        let status = unsafe {
            match self.primary {
                Some(device) => (driver.cuDevicePrimaryCtxRelease)(device),
                None => (driver.cuCtxDestroy_v2)(self.handle),
            }
        };
        if let Err(error) = driver.check("cuCtxDestroy", status) {
            crate::error::guard::say!(Error, "{error}");
        }
    }
}

/// Waits until all that was queued on the stream is done.
///
/// # Safety
/// The context is live, and the stream is one of its or null.
pub(crate) unsafe fn synchronize(context: Handle, stream: Handle) -> Result<()> {
    // SAFETY: by the caller's word.
    unsafe { in_context(context, |driver| driver.check("cuStreamSynchronize", (driver.cuStreamSynchronize)(stream))) }
}

/// The name of the device that a context is on.
///
/// # Safety
/// The context is live.
pub(crate) unsafe fn device_name(context: Handle) -> Result<String> {
    let mut name = [0u8; 256];
    // SAFETY: by the caller's word; the driver writes to the variables whose addresses it is given, within the size given.
    unsafe {
        in_context(context, |driver| {
            let mut device = 0;
            driver.check("cuCtxGetDevice", (driver.cuCtxGetDevice)(&mut device))?;
            driver.check("cuDeviceGetName", (driver.cuDeviceGetName)(name.as_mut_ptr().cast(), 256, device))
        })?;
    }
    Ok(CStr::from_bytes_until_nul(&name).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
}

/// # Safety
/// The context is live.
unsafe fn in_context<T>(context: Handle, f: impl FnOnce(&Functions) -> Result<T>) -> Result<T> {
    let driver = driver()?;
    let mut popped = ptr::null_mut();
    // SAFETY: the context is live, by the caller's word; the pop undoes the push.
    unsafe {
        driver.check("cuCtxPushCurrent", (driver.cuCtxPushCurrent_v2)(context))?;
        let result = f(driver);
        driver.check("cuCtxPopCurrent", (driver.cuCtxPopCurrent_v2)(&mut popped))?;
        result
    }
}
