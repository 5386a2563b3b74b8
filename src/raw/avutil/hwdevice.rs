//! AVHWDeviceContext: made once, changed never, destroyed after everything that was built on it.

use crate::{
    error::{Error, ErrorKind, Result, guard::Contained},
    ffi,
    raw::{BufferRef, backend::Backend, check, log::Capture},
};
use std::{
    ffi::c_void,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Of an application's context or display, for the log.
pub(in crate::raw) const OWNER: &str = "a device's owner";

/// Held while a device is made and while a codec is opened on one: creating contexts and opening sessions from several
/// threads at once crashes some drivers. What FFmpeg logs meanwhile goes to the application's logger when the lock is
/// given back, which the order of the fields sees to.
pub(in crate::raw) struct Opening {
    _lock: MutexGuard<'static, ()>,
    _lines: Capture,
}

pub(in crate::raw) fn opening() -> Opening {
    static OPENING: Mutex<()> = Mutex::new(());
    let lines = Capture::start();
    Opening { _lock: OPENING.lock().unwrap_or_else(PoisonError::into_inner), _lines: lines }
}

impl BufferRef {
    /// A device on a context or display that somebody else owns. `fill` writes it into the backend's own part of the
    /// device, which is zeroed.
    pub(in crate::raw) fn adopt<O: Send + Sync + 'static>(
        backend: &dyn Backend,
        owner: Contained<O>,
        fill: impl FnOnce(*mut c_void),
    ) -> Result<Self> {
        crate::raw::enter()?;
        // SAFETY: the type is a constant of FFmpeg's.
        let device = unsafe { ffi::av_hwdevice_ctx_alloc(backend.device_type()) };
        if device.is_null() {
            return Err(Error::new(ErrorKind::Unsupported, "av_hwdevice_ctx_alloc").detail(format!(
                "this FFmpeg was built without {}: install one with {}",
                backend.name(),
                backend.configure_flag()
            )));
        }
        // SAFETY: av_hwdevice_ctx_alloc gave us this reference.
        let device = unsafe { Self::from_owned("av_hwdevice_ctx_alloc", device)? };
        // SAFETY: the device is not initialised and known to us alone: these fields are ours to set, and this is the
        // one moment at which FFmpeg allows it. The free callback matches the type behind user_opaque.
        unsafe {
            let base = &mut *device.data().cast::<ffi::AVHWDeviceContext>();
            base.user_opaque = Box::into_raw(Box::new(owner.into_inner())).cast();
            base.free = Some(drop_owner::<O>);
            fill(base.hwctx);
        }
        let opening = opening();
        // SAFETY: allocated above, initialised once.
        let initialised = check("av_hwdevice_ctx_init", || unsafe { ffi::av_hwdevice_ctx_init(device.as_ptr()) });
        // A failure drops the owner, which is the application's code: it may open something else.
        drop(opening);
        initialised.map(|_| device)
    }
    /// A device's own struct.
    pub(in crate::raw) fn device_context(&self) -> &ffi::AVHWDeviceContext {
        // SAFETY: called on references to devices only: `adopt` or a backend made them, or a pool's device_ref gave
        // them.
        unsafe { &*self.data().cast::<ffi::AVHWDeviceContext>() }
    }
}

/// AVHWDeviceContext's free callback: FFmpeg calls it after the device is torn down, when nothing refers to it any
/// more.
unsafe extern "C" fn drop_owner<O: Send + Sync + 'static>(device: *mut ffi::AVHWDeviceContext) {
    // SAFETY: `adopt` made user_opaque from a Box<O>; FFmpeg calls this once, with its own live struct.
    let owner = unsafe { Box::from_raw((*device).user_opaque.cast::<O>()) };
    crate::error::guard::dispose(OWNER, owner);
}
