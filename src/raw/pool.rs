//! AVHWFramesContext: a pool of frames in device memory.

use super::{
    BufferRef, FrameShell, Kind, Result, check,
    frame::size,
    shell::{Shell, Shells},
};
use crate::{Error, ErrorKind, Format, ffi, frame::PixelFormat};
use std::sync::Arc;

impl BufferRef {
    /// A new pool on a device. CUDA pools grow as frames are taken; there is no fixed size.
    pub(crate) fn frames(device: &BufferRef, kind: Kind, format: Format) -> Result<BufferRef> {
        let Some(hardware) = kind.hardware_format() else {
            return Err(Error::new(ErrorKind::Unsupported, "av_hwframe_ctx_alloc"));
        };
        let (width, height) = size(format)?;
        // SAFETY: the device reference is live; the new pool holds a reference of its own.
        let pool = unsafe { Self::from_owned("av_hwframe_ctx_alloc", ffi::av_hwframe_ctx_alloc(device.as_ptr()))? };
        // SAFETY: the pool was just allocated and is not initialised: its fields are ours to set, and nobody else knows it.
        let context = unsafe { &mut *pool.data().cast::<ffi::AVHWFramesContext>() };
        (context.format, context.sw_format) = (hardware, format.pixels.ffmpeg());
        (context.width, context.height) = (width, height);
        // SAFETY: allocated above, initialised once.
        check("av_hwframe_ctx_init", || unsafe { ffi::av_hwframe_ctx_init(pool.as_ptr()) })
            .map_err(|error| error.detail(format!("a pool of {} {}x{}", format.pixels, format.width, format.height)))?;
        Ok(pool)
    }
    /// Size and layout of a pool's frames.
    pub(crate) fn frames_format(&self) -> Format {
        let context = self.frames_context();
        Format {
            width: u32::try_from(context.width).unwrap_or(0),
            height: u32::try_from(context.height).unwrap_or(0),
            pixels: PixelFormat::from_ffmpeg(context.sw_format),
        }
    }
    /// The device that a pool is on.
    pub(crate) fn frames_device(&self) -> Result<BufferRef> {
        // SAFETY: an initialised pool holds a live reference to its device.
        unsafe { Self::from_borrowed(self.frames_context().device_ref) }
            .ok_or_else(|| super::out_of_memory("av_buffer_ref"))
    }
    /// The kind of memory that a pool's frames are in.
    pub(crate) fn frames_kind(&self) -> Option<Kind> {
        (self.frames_context().format == ffi::AV_PIX_FMT_CUDA).then_some(Kind::Cuda)
    }
    /// A frame to fill (av_hwframe_get_buffer).
    pub(crate) fn take_frame(&self, shells: Option<&Arc<Shells<ffi::AVFrame>>>) -> Result<FrameShell> {
        let frame = match shells {
            Some(shells) => shells.take()?,
            None => Shell::new()?,
        };
        // SAFETY: the pool is live and initialised, the frame empty and ours.
        check("av_hwframe_get_buffer", || unsafe { ffi::av_hwframe_get_buffer(self.as_ptr(), frame.as_ptr(), 0) })
            .map_err(|error| match error.kind() {
                ErrorKind::OutOfMemory => error.with_kind(ErrorKind::PoolExhausted),
                _ => error,
            })?;
        if frame.get().data[0].is_null() {
            // nvdec's own pool gives null pointers and calls it success.
            return Err(Error::new(ErrorKind::Unsupported, "av_hwframe_get_buffer").detail(
                "this pool is a decoder's: its frames come from decoding only; make a pool with FramePool::new",
            ));
        }
        Ok(frame)
    }
    pub(super) fn frames_context(&self) -> &ffi::AVHWFramesContext {
        // SAFETY: called on references that `frames` made or that a frame's hw_frames_ctx gave: their data is an initialised
        // AVHWFramesContext, unchanged since, and lives as long as self.
        unsafe { &*self.data().cast::<ffi::AVHWFramesContext>() }
    }
}
