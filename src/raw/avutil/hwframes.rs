//! AVHWFramesContext: a pool of frames in device memory.

use crate::{
    error::{Error, ErrorKind, Result},
    ffi,
    raw::{
        BufferRef, Kind, RawFrame,
        avutil::frame::size,
        check,
        recycle::{FreeList, Reusable},
    },
    types::pixel::{Format, PixelFormat},
};
use std::{ptr, sync::Arc};

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
    /// Asks the driver for one frame more of this size and layout, in a pool of its own, and gives it back.
    pub(crate) fn check_room(&self, kind: Kind) -> Result<()> {
        Self::frames(&self.frames_device()?, kind, self.frames_format())?.take_frame(None).map(drop)
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
    /// The layout in which a frame of the pool comes to host memory: its own, unless the driver gives others only
    /// (av_hwframe_transfer_get_formats).
    pub(crate) fn host_pixels(&self) -> PixelFormat {
        let own = self.frames_context().sw_format;
        let mut list = ptr::null_mut();
        let from = ffi::AV_HWFRAME_TRANSFER_DIRECTION_FROM;
        // SAFETY: the pool is live and initialised; the list is written on success, and is ours then.
        if unsafe { ffi::av_hwframe_transfer_get_formats(self.as_ptr(), from, &mut list, 0) } < 0 || list.is_null() {
            return PixelFormat::from_ffmpeg(own);
        }
        // SAFETY: the list ends with AV_PIX_FMT_NONE, up to which it is read, and is freed once, behind the last use.
        let chosen = unsafe {
            let all = (0..).map(|index| *list.add(index)).take_while(|format| *format != ffi::AV_PIX_FMT_NONE);
            let all: Vec<_> = all.collect();
            ffi::av_free(list.cast());
            if all.contains(&own) { own } else { all.first().copied().unwrap_or(own) }
        };
        PixelFormat::from_ffmpeg(chosen)
    }
    /// The device that a pool is on.
    pub(crate) fn frames_device(&self) -> Result<BufferRef> {
        // SAFETY: an initialised pool holds a live reference to its device.
        unsafe { Self::from_borrowed(self.frames_context().device_ref) }
            .ok_or_else(|| crate::raw::out_of_memory("av_buffer_ref"))
    }
    /// The kind of memory that a pool's frames are in.
    pub(crate) fn frames_kind(&self) -> Option<Kind> {
        Kind::of_hardware(self.frames_context().format)
    }
    /// A frame to fill (av_hwframe_get_buffer).
    pub(crate) fn take_frame(&self, list: Option<&Arc<FreeList<ffi::AVFrame>>>) -> Result<RawFrame> {
        let frame = match list {
            Some(list) => list.take()?,
            None => Reusable::new()?,
        };
        // SAFETY: the pool is live and initialised, the frame empty and ours.
        check("av_hwframe_get_buffer", || unsafe { ffi::av_hwframe_get_buffer(self.as_ptr(), frame.as_ptr(), 0) })
            .map_err(|error| match error.kind() {
                ErrorKind::OutOfMemory => error.with_kind(ErrorKind::PoolExhausted),
                _ => error,
            })?;
        // A VA-API surface's number stands in data[3].
        if frame.get().data.iter().all(|data| data.is_null()) {
            // nvdec's own pool gives null pointers and calls it success.
            return Err(Error::new(ErrorKind::Unsupported, "av_hwframe_get_buffer").detail(
                "this pool is a decoder's: its frames come from decoding only; make a pool with FramePool::new",
            ));
        }
        Ok(frame)
    }
    pub(in crate::raw) fn frames_context(&self) -> &ffi::AVHWFramesContext {
        // SAFETY: called on references that `frames` made or that a frame's hw_frames_ctx gave: their data is an initialised
        // AVHWFramesContext, unchanged since, and lives as long as self.
        unsafe { &*self.data().cast::<ffi::AVHWFramesContext>() }
    }
}
