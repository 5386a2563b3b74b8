//! libva, loaded at run time: for what FFmpeg gives no way to do (waiting for a surface, saying what the driver is).

use crate::error::{Error, ErrorKind, Result};
use libloading::Library;
use std::{
    ffi::{CStr, c_char, c_int, c_uint, c_void},
    sync::OnceLock,
};

type Display = *mut c_void;

struct Functions {
    query_vendor_string: unsafe extern "C" fn(Display) -> *const c_char,
    sync_surface: unsafe extern "C" fn(Display, c_uint) -> c_int,
    error_string: unsafe extern "C" fn(c_int) -> *const c_char,
    _library: Library,
}

/// The loaded library: FFmpeg is linked to it, so it is there wherever a display is.
fn library() -> Result<&'static Functions> {
    static LIBRARY: OnceLock<Functions> = OnceLock::new();
    if let Some(library) = LIBRARY.get() {
        return Ok(library);
    }
    let missing = |error: libloading::Error| {
        Error::new(ErrorKind::DriverMissing, "dlopen")
            .detail(format!("libva.so.2 cannot be loaded ({error}): install libva2"))
    };
    // SAFETY: libva's initialisers do nothing; the library is never unloaded (OnceLock).
    let library = unsafe { Library::new("libva.so.2") }.map_err(missing)?;
    // SAFETY: names and signatures are those of va.h, which libva keeps within its soname.
    let functions = unsafe {
        Functions {
            query_vendor_string: *library.get(b"vaQueryVendorString\0").map_err(missing)?,
            sync_surface: *library.get(b"vaSyncSurface\0").map_err(missing)?,
            error_string: *library.get(b"vaErrorStr\0").map_err(missing)?,
            _library: library,
        }
    };
    Ok(LIBRARY.get_or_init(|| functions))
}

/// The driver's name for itself and the device (vaQueryVendorString).
///
/// # Safety
/// The display is initialised and live.
pub(crate) unsafe fn vendor(display: Display) -> Result<String> {
    // SAFETY: by the caller's word; the result is null or a string of the driver's that lives as long as the display.
    let text = unsafe { (library()?.query_vendor_string)(display) };
    if text.is_null() {
        return Err(Error::new(ErrorKind::Other, "vaQueryVendorString").detail("the driver has no name"));
    }
    // SAFETY: as above.
    Ok(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// Waits until all work on the surface is done (vaSyncSurface).
///
/// # Safety
/// The display is initialised and live, and the surface one of its.
pub(crate) unsafe fn sync_surface(display: Display, surface: c_uint) -> Result<()> {
    let library = library()?;
    // SAFETY: by the caller's word.
    let status = unsafe { (library.sync_surface)(display, surface) };
    if status == 0 {
        return Ok(());
    }
    // SAFETY: any status may be asked for; the result is a static string.
    let text = unsafe { CStr::from_ptr((library.error_string)(status)) }.to_string_lossy();
    Err(Error::new(ErrorKind::Other, "vaSyncSurface").detail(format!("the VA-API driver says {text}")))
}
