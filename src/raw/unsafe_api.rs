//! The public functions whose caller must promise something, and what they are checked for before FFmpeg sees them.

use crate::{
    Cuda, Device, Mapped, Vaapi, cuda,
    error::{Error, ErrorKind},
    types::pixel::Format,
    vaapi,
};
use crate::{
    error::Result,
    raw::{BufferRef, RawFrame, backend},
};

impl Device<Cuda> {
    /// A device on the application's own context. `owner` is dropped after the last thing built on the device, so the context
    /// that it keeps cannot go first.
    ///
    /// # Safety
    /// `context` is a live CUcontext, and stays so until `owner` is dropped.
    ///
    /// # Errors
    /// `InvalidSetting` for a null context; `DriverMissing`; what the driver reports.
    pub unsafe fn from_cuda_context(context: cuda::Context, owner: impl Send + Sync + 'static) -> Result<Self> {
        // SAFETY: by the caller's word; the null stream is every context's.
        unsafe { backend::cuda::adopt(context.0, std::ptr::null_mut(), owner) }.map(Self::from_buffer)
    }
    /// The same, and decoders, encoders and transfers queue their work on `stream`. It is chosen here, before the device is made,
    /// because FFmpeg reads it at many places and allows no change later.
    ///
    /// # Safety
    /// As [`from_cuda_context`](Device::from_cuda_context); `stream` is one of that context's and stays live as long.
    ///
    /// # Errors
    /// As [`from_cuda_context`](Device::from_cuda_context).
    pub unsafe fn from_cuda_stream(
        context: cuda::Context,
        stream: cuda::Stream,
        owner: impl Send + Sync + 'static,
    ) -> Result<Self> {
        // SAFETY: by the caller's word.
        unsafe { backend::cuda::adopt(context.0, stream.0, owner) }.map(Self::from_buffer)
    }
}

impl Device<Vaapi> {
    /// A device on the application's own display. `owner` is dropped after the last thing built on the device, so the display that it
    /// keeps cannot be terminated first.
    ///
    /// # Safety
    /// `display` is a VADisplay on which vaInitialize has succeeded, and stays so until `owner` is dropped.
    ///
    /// # Errors
    /// `InvalidSetting` for a null display; what the driver reports.
    pub unsafe fn from_va_display(display: vaapi::Display, owner: impl Send + Sync + 'static) -> Result<Self> {
        // SAFETY: by the caller's word.
        unsafe { backend::vaapi::adopt(display.0, owner) }.map(Self::from_buffer)
    }
}

impl Mapped<'_> {
    /// A row of the mapping itself, not copied; `None` if there is no such plane or row.
    ///
    /// # Safety
    /// While the result lives nobody writes the picture: not the device, not through another mapping, and no process
    /// that shares the buffer it was imported from.
    pub unsafe fn row_in_place(&self, plane: usize, row: usize) -> Option<&[u8]> {
        // SAFETY: by the caller's word.
        unsafe { self.raw.mapped_rows(plane)?.in_place(row) }
    }
}

/// An application's own picture in device memory, which a frame can be made of without a copy
/// ([`FramePool::import`](crate::FramePool::import)).
///
/// # Safety
/// The planes are allocated in the pool's context, have the pool's format, and are unchanged until the value is
/// dropped. They stay allocated for longer: until every encoder that took the frame is closed. NVENC keeps a picture's
/// memory registered so long, and freeing it earlier is undefined in the driver. So a ring hands its pictures out again
/// when they are dropped, and goes after the encoder. It must be `'static`: a leaked encoder may read it for ever.
pub unsafe trait Picture: Send + 'static {
    /// Pointer and pitch in bytes of each plane: two for NV12, the second right behind the rows of the first.
    fn planes(&self) -> &[(u64, usize)];
}

/// A frame around an application's picture, if it is laid out as FFmpeg tells NVENC that frames of the pool are: one
/// pitch, and each plane right behind the rows of the one before it.
pub(crate) fn import_cuda<P: Picture>(pool: &BufferRef, format: Format, picture: P) -> Result<RawFrame, (Error, P)> {
    let planes = picture.planes().to_vec();
    if let Err(reason) = layout(pool.frames_format(), &planes) {
        return Err((Error::new(ErrorKind::WrongFormat, "import").detail(reason), picture));
    }
    // SAFETY: implementing the unsafe trait is the application's word for what `imported` asks.
    unsafe { RawFrame::imported(pool, format, &planes, picture) }
}

fn layout(format: Format, planes: &[(u64, usize)]) -> std::result::Result<(), String> {
    let due = format.planes();
    if planes.len() != due.len() {
        return Err(format!("{} has {} planes, the picture {}", format.pixels, due.len(), planes.len()));
    }
    let Some(&(mut expected, pitch)) = planes.first() else { return Err("the picture has no plane".into()) };
    for (index, (&(pointer, own), &(row, rows))) in planes.iter().zip(&due).enumerate() {
        // Three-plane formats have chroma rows of half the pitch.
        let due_pitch = if due.len() == 3 && index > 0 && due[1].0 < due[0].0 { pitch / 2 } else { pitch };
        if own != due_pitch || own < row || i32::try_from(own).is_err() {
            return Err(format!("plane {index} has a pitch of {own} bytes: {due_pitch} are due, and a row has {row}"));
        }
        if pointer == 0 || pointer != expected {
            return Err(format!(
                "plane {index} is at {pointer:#x}: {expected:#x} is due, right behind the one before it"
            ));
        }
        expected = pointer + (own * rows) as u64;
    }
    Ok(())
}
