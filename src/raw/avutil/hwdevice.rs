//! AVHWDeviceContext: made once, changed never, destroyed after everything that was built on it.

use crate::{
    error::{Error, ErrorKind, Result, guard::Contained},
    ffi,
    raw::{
        BufferRef, DeviceKind,
        backend::{cuda, vaapi},
        check,
        log::Capture,
    },
};
use std::{
    ffi::{CStr, c_void},
    ptr,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Of an application's context or display, for the log.
const OWNER: &str = "a device's owner";

/// Held while a device is made and while a codec is opened on one: creating contexts and opening sessions from several threads
/// at once crashes some drivers. What FFmpeg logs meanwhile goes to the application's logger when the lock is given back, which the order of
/// the fields sees to.
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
    /// A CUDA device on a context of avsluice's own making, which goes when the device does.
    pub(crate) fn cuda_device(ordinal: u32, primary: bool) -> Result<Self> {
        crate::raw::enter()?;
        let owner = {
            let _opening = opening();
            if primary { cuda::OwnedContext::primary(ordinal) } else { cuda::OwnedContext::create(ordinal) }?
        };
        let context = owner.handle();
        // SAFETY: the owner keeps the context alive, and is dropped after everything on the device.
        unsafe { Self::adopt_cuda(context, std::ptr::null_mut(), owner) }
    }
    /// A CUDA device on a context of somebody else's. `owner` is dropped after the last thing that was built on the device.
    ///
    /// # Safety
    /// The context is live until `owner` is dropped; the stream is one of that context's, live as long, or null.
    pub(crate) unsafe fn adopt_cuda<O: Send + Sync + 'static>(
        context: *mut c_void,
        stream: *mut c_void,
        owner: O,
    ) -> Result<Self> {
        let owner = Contained::new(OWNER, owner);
        if context.is_null() {
            return Err(Error::invalid("context", "the CUcontext is null"));
        }
        Self::adopt(DeviceKind::Cuda, owner, |hwctx| {
            // SAFETY: a CUDA device's hwctx is this struct, and the device is not initialised: its fields are ours to set.
            let cuda = unsafe { &mut *hwctx.cast::<ffi::AVCUDADeviceContext>() };
            (cuda.cuda_ctx, cuda.stream) = (context.cast(), stream.cast());
        })
    }
    /// A VA-API device on a display of somebody else's.
    ///
    /// # Safety
    /// The display is initialised and live until `owner` is dropped.
    pub(crate) unsafe fn adopt_vaapi<O: Send + Sync + 'static>(display: *mut c_void, owner: O) -> Result<Self> {
        let owner = Contained::new(OWNER, owner);
        if display.is_null() {
            return Err(Error::invalid("display", "the VADisplay is null"));
        }
        Self::adopt(DeviceKind::Vaapi, owner, |hwctx| {
            // SAFETY: a VA-API device's hwctx is this struct, and the device is not initialised: its fields are ours to set.
            unsafe { (*hwctx.cast::<ffi::AVVAAPIDeviceContext>()).display = display };
        })
    }
    /// A device on something of somebody else's, which `fill` writes into the zeroed AVXXXDeviceContext.
    fn adopt<O: Send + Sync + 'static>(
        kind: DeviceKind,
        owner: Contained<O>,
        fill: impl FnOnce(*mut c_void),
    ) -> Result<Self> {
        crate::raw::enter()?;
        // SAFETY: the type is a constant of FFmpeg's.
        let device = unsafe { ffi::av_hwdevice_ctx_alloc(kind.ffmpeg()) };
        if device.is_null() {
            return Err(Error::new(ErrorKind::Unsupported, "av_hwdevice_ctx_alloc")
                .detail(format!("this FFmpeg was built without {kind}: install one with {}", kind.configure_flag())));
        }
        // SAFETY: av_hwdevice_ctx_alloc gave us this reference.
        let device = unsafe { Self::from_owned("av_hwdevice_ctx_alloc", device)? };
        // SAFETY: the device is not initialised and known to us alone: these fields are ours to set, and this is the one moment
        // at which FFmpeg allows it. The free callback matches the type behind user_opaque.
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
    /// A VA-API device that FFmpeg opens: by a DRM node, or on an X11 display (av_hwdevice_ctx_create).
    pub(crate) fn vaapi_device(connection: &'static CStr, name: &CStr) -> Result<Self> {
        crate::raw::enter()?;
        let mut options = ptr::null_mut();
        // SAFETY: both strings are terminated; the dictionary is ours, and freed below.
        let set = unsafe { ffi::av_dict_set(&mut options, c"connection_type".as_ptr(), connection.as_ptr(), 0) };
        let mut device = ptr::null_mut();
        let created = if set < 0 {
            Err(crate::raw::out_of_memory("av_dict_set"))
        } else {
            let _opening = opening();
            let kind = DeviceKind::Vaapi.ffmpeg();
            // SAFETY: the result is written on success; name and dictionary live through the call.
            check("av_hwdevice_ctx_create", || unsafe {
                ffi::av_hwdevice_ctx_create(&mut device, kind, name.as_ptr(), options, 0)
            })
        };
        // SAFETY: ours since av_dict_set, null if that failed.
        unsafe { ffi::av_dict_free(&mut options) };
        created.map_err(|error| match error.kind() {
            // libva itself says nothing of what is no GPU's node.
            ErrorKind::Other if error.log().is_empty() => error
                .with_kind(ErrorKind::NoDevice)
                .detail(format!("{} is no GPU's DRM node or display", name.to_string_lossy())),
            _ => error,
        })?;
        // SAFETY: av_hwdevice_ctx_create gave us this reference.
        unsafe { Self::from_owned("av_hwdevice_ctx_create", device) }
    }
    /// The VADisplay of a VA-API device.
    pub(crate) fn va_display(&self) -> Option<*mut c_void> {
        let device = self.device_context(DeviceKind::Vaapi)?;
        // SAFETY: the type says which struct hwctx is, and it does not change after init.
        Some(unsafe { (*device.hwctx.cast::<ffi::AVVAAPIDeviceContext>()).display })
    }
    /// The CUcontext and CUstream of a CUDA device.
    pub(crate) fn cuda_handles(&self) -> Option<(*mut c_void, *mut c_void)> {
        let device = self.device_context(DeviceKind::Cuda)?;
        // SAFETY: the type says which struct hwctx is, and it does not change after init.
        let cuda = unsafe { &*device.hwctx.cast::<ffi::AVCUDADeviceContext>() };
        Some((cuda.cuda_ctx.cast(), cuda.stream.cast()))
    }
    /// Whether both are devices on which the same frames can be used: the same device, or the same context.
    pub(crate) fn same_device(&self, other: &BufferRef) -> bool {
        self.same(other)
            || matches!((self.cuda_handles(), other.cuda_handles()), (Some(a), Some(b)) if a.0 == b.0)
            || matches!((self.va_display(), other.va_display()), (Some(a), Some(b)) if a == b)
    }
    /// Waits for what the device has queued on its stream. FFmpeg has no function for that.
    pub(crate) fn synchronize(&self) -> Result<()> {
        match self.cuda_handles() {
            // SAFETY: the device keeps its context, and whoever named the stream keeps it, as long as the device lives.
            Some((context, stream)) => unsafe { cuda::synchronize(context, stream) },
            None => Ok(()),
        }
    }
    /// The device's name, as its driver has it.
    pub(crate) fn device_name(&self) -> Result<String> {
        match self.cuda_handles() {
            // SAFETY: the device keeps its context.
            Some((context, _)) => unsafe { cuda::device_name(context) },
            None => match self.va_display() {
                // SAFETY: the device keeps its display.
                Some(display) => unsafe { vaapi::vendor(display) },
                None => Err(Error::new(ErrorKind::Unsupported, "name")),
            },
        }
    }
    fn device_context(&self, kind: DeviceKind) -> Option<&ffi::AVHWDeviceContext> {
        // SAFETY: called on references to devices only: this file made them, or a pool's device_ref gave them.
        let device = unsafe { &*self.data().cast::<ffi::AVHWDeviceContext>() };
        (device.type_ == kind.ffmpeg()).then_some(device)
    }
}

/// AVHWDeviceContext's free callback: FFmpeg calls it after the device is torn down, when nothing refers to it any more.
unsafe extern "C" fn drop_owner<O: Send + Sync + 'static>(device: *mut ffi::AVHWDeviceContext) {
    // SAFETY: adopt_cuda made user_opaque from a Box<O>; FFmpeg calls this once, with its own live struct.
    let owner = unsafe { Box::from_raw((*device).user_opaque.cast::<O>()) };
    crate::error::guard::dispose(OWNER, owner);
}
