//! AVHWDeviceContext: made once, changed never, destroyed after everything that was built on it.

use super::{BufferRef, DeviceKind, Result, check, cuda};
use crate::{Error, ErrorKind, ffi};
use std::{
    ffi::c_void,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Held while a device is made and while a codec is opened on one: creating contexts and opening sessions from several threads
/// at once crashes some drivers.
pub(super) fn opening() -> MutexGuard<'static, ()> {
    static OPENING: Mutex<()> = Mutex::new(());
    OPENING.lock().unwrap_or_else(PoisonError::into_inner)
}

impl BufferRef {
    /// A CUDA device on a context of avsluice's own making, which goes when the device does.
    pub(crate) fn cuda_device(ordinal: u32, primary: bool) -> Result<Self> {
        super::enter()?;
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
        super::enter()?;
        if context.is_null() {
            return Err(Error::invalid("context", "the CUcontext is null"));
        }
        // SAFETY: the type is a constant of FFmpeg's.
        let device = unsafe { ffi::av_hwdevice_ctx_alloc(DeviceKind::Cuda.ffmpeg()) };
        if device.is_null() {
            return Err(Error::new(ErrorKind::Unsupported, "av_hwdevice_ctx_alloc")
                .detail("this FFmpeg was built without CUDA: install one with --enable-ffnvcodec"));
        }
        // SAFETY: av_hwdevice_ctx_alloc gave us this reference.
        let device = unsafe { Self::from_owned("av_hwdevice_ctx_alloc", device)? };
        // SAFETY: the device is not initialised and known to us alone: these fields are ours to set, and this is the one moment
        // at which FFmpeg allows it. The free callback matches the type behind user_opaque.
        unsafe {
            let base = &mut *device.data().cast::<ffi::AVHWDeviceContext>();
            base.user_opaque = Box::into_raw(Box::new(owner)).cast();
            base.free = Some(drop_owner::<O>);
            let cuda = &mut *base.hwctx.cast::<ffi::AVCUDADeviceContext>();
            (cuda.cuda_ctx, cuda.stream) = (context.cast(), stream.cast());
        }
        let opening = opening();
        // SAFETY: allocated above, initialised once.
        let initialised = check("av_hwdevice_ctx_init", || unsafe { ffi::av_hwdevice_ctx_init(device.as_ptr()) });
        // A failure drops the owner, which is the application's code: it may open something else.
        drop(opening);
        initialised.map(|_| device)
    }
    /// The CUcontext and CUstream of a CUDA device.
    pub(crate) fn cuda_handles(&self) -> Option<(*mut c_void, *mut c_void)> {
        let device = self.device_context()?;
        // SAFETY: the type says which struct hwctx is, and it does not change after init.
        let cuda = unsafe { &*device.hwctx.cast::<ffi::AVCUDADeviceContext>() };
        Some((cuda.cuda_ctx.cast(), cuda.stream.cast()))
    }
    /// Whether both are devices on which the same frames can be used: the same device, or the same context.
    pub(crate) fn same_device(&self, other: &BufferRef) -> bool {
        self.same(other) || matches!((self.cuda_handles(), other.cuda_handles()), (Some(a), Some(b)) if a.0 == b.0)
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
            None => Err(Error::new(ErrorKind::Unsupported, "cuDeviceGetName")),
        }
    }
    fn device_context(&self) -> Option<&ffi::AVHWDeviceContext> {
        // SAFETY: called on references to devices only: `adopt_cuda` made them, or a pool's device_ref gave them.
        let device = unsafe { &*self.data().cast::<ffi::AVHWDeviceContext>() };
        (device.type_ == DeviceKind::Cuda.ffmpeg()).then_some(device)
    }
}

/// AVHWDeviceContext's free callback: FFmpeg calls it after the device is torn down, when nothing refers to it any more.
unsafe extern "C" fn drop_owner<O: Send + Sync + 'static>(device: *mut ffi::AVHWDeviceContext) {
    // SAFETY: adopt_cuda made user_opaque from a Box<O>; FFmpeg calls this once, with its own live struct.
    let owner = unsafe { Box::from_raw((*device).user_opaque.cast::<O>()) };
    // Unwinding into FFmpeg would be undefined; the panic hook has said what happened.
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(owner))).is_err() {
        log::error!("avsluice: dropping a device's owner panicked");
    }
}
