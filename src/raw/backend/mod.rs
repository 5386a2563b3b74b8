//! A backend is one kind of device. [`Backend`] names everything in which one differs from another; each has one file
//! here, and one folder with its public side.

pub(crate) mod cuda;
#[cfg(target_os = "linux")]
pub(crate) mod drm;
pub(crate) mod vaapi;

use crate::{
    error::{Error, ErrorKind, Pattern, Result},
    ffi,
    raw::{BufferRef, RawFrame, avcodec::get_format::GetFormat},
    types::setting::Setting,
};
use std::fmt;

/// Every backend: the one list of them below the public modules.
const ALL: [&dyn Backend; 2] = [&cuda::Backend, &vaapi::Backend];

/// One kind of device. Most methods have a default, which says what holds where nothing is special.
pub trait Backend: Send + Sync {
    /// Its name: `CUDA`.
    fn name(&self) -> &'static str;
    /// What its frames lie in: `CUDA memory`.
    fn memory(&self) -> &'static str;
    /// FFmpeg's name of such devices.
    fn device_type(&self) -> ffi::AVHWDeviceType;
    /// FFmpeg's pixel format of frames in its memory.
    fn pixel_format(&self) -> ffi::AVPixelFormat;
    /// What FFmpeg's configure script is told to have it.
    fn configure_flag(&self) -> &'static str;
    /// What a decoder answers when FFmpeg asks for a pixel format.
    fn get_format(&self, or_system: bool) -> GetFormat;

    /// The device's name, as its driver has it.
    fn device_name(&self, device: &BufferRef) -> Result<String>;
    /// What two devices have in common on which the same frames can be used: the address of a context or display.
    fn identity(&self, device: &BufferRef) -> Option<usize>;
    /// The device of that number, for encoders that are told no device; `None` where devices have no numbers.
    fn device(&self, _ordinal: u32) -> Option<Result<BufferRef>> {
        None
    }
    /// The number of the device that an encoder's options name.
    fn device_in_options(&self, _settings: &[Setting]) -> Option<u32> {
        None
    }
    /// Waits until all that was queued on the device is done.
    fn synchronize(&self, _device: &BufferRef) -> Result<()> {
        Ok(())
    }
    /// Whether the device has no queue to wait for, so that each frame in flight is waited for by itself.
    fn waits_for_frames(&self) -> bool {
        false
    }
    /// Waits until the device is done with a frame, where frames are waited for.
    fn synchronize_frame(&self, _frame: &RawFrame) -> Result<()> {
        Ok(())
    }

    /// Whether each decoded frame is one of the decoder's own surfaces, of which there is a fixed number.
    fn lends_surfaces(&self) -> bool {
        false
    }
    /// Whether this FFmpeg's decoders give out mapped surfaces, which must be copied to be kept.
    fn maps_surfaces(&self) -> bool {
        false
    }
    /// The flag of AVCodecContext.hwaccel_flags with which FFmpeg's decoders give out mapped surfaces, where they do so
    /// on demand alone.
    fn direct_surfaces_flag(&self) -> i32 {
        0
    }
    /// Whether an encoder's driver knows a frame's memory by its address for as long as the encoder is open, so that
    /// its pool is kept so long.
    fn registers_addresses(&self) -> bool {
        false
    }
    /// Whether FFmpeg's encoders crash where the device has no room for one frame more.
    fn crashes_without_room(&self) -> bool {
        false
    }
    /// Whether an encoder's host frames are uploaded by avsluice, because FFmpeg's own way is not safe
    /// (`encode::intake`).
    fn uploads_host_frames(&self) -> bool {
        false
    }
    /// Whether encoders count their decoding times in ticks where frames are due (`encode::reorder`).
    fn shifts_dts_by_ticks(&self) -> bool {
        false
    }
    /// The line that alone tells that the driver refused a new bit rate, and the call that it is of.
    fn refused_bit_rate(&self) -> Option<(&'static str, &'static str)> {
        None
    }
    /// What FFmpeg itself is known to leave alive, for the error that says that something is.
    fn known_leak(&self) -> &'static str {
        ""
    }
    /// Lines of FFmpeg's log that tell more of an error than its return value.
    fn patterns(&self) -> &'static [Pattern] {
        &[]
    }
    /// Lines that say that the hardware has not decoded a picture.
    fn not_decoded(&self) -> &'static [&'static str] {
        &[]
    }
    /// The line with which FFmpeg asks for a picture that was not decoded.
    fn not_mapped(&self) -> Option<&'static str> {
        None
    }
}

/// All backends.
pub(crate) fn all() -> impl Iterator<Item = &'static dyn Backend> {
    ALL.into_iter()
}

/// The backend whose frames have this pixel format of FFmpeg's.
pub(crate) fn of_pixel_format(format: ffi::AVPixelFormat) -> Option<&'static dyn Backend> {
    all().find(|backend| backend.pixel_format() == format)
}

/// The backend of a device's type.
fn of_device_type(kind: ffi::AVHWDeviceType) -> Option<&'static dyn Backend> {
    all().find(|backend| backend.device_type() == kind)
}

/// A kind of frame memory at run time.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Host memory.
    System,
    /// A device's memory.
    Device(&'static dyn Backend),
    /// Not known before a frame is seen.
    Any,
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Kind::System, Kind::System) | (Kind::Any, Kind::Any) => true,
            (Kind::Device(a), Kind::Device(b)) => a.device_type() == b.device_type(),
            _ => false,
        }
    }
}

impl Kind {
    /// The backend of a device's memory.
    pub(crate) fn backend(self) -> Option<&'static dyn Backend> {
        match self {
            Kind::Device(backend) => Some(backend),
            Kind::System | Kind::Any => None,
        }
    }
    /// Whether what the backend says holds; where there is none, it does not.
    pub(crate) fn is(self, what: impl FnOnce(&dyn Backend) -> bool) -> bool {
        self.backend().is_some_and(what)
    }
    /// Decoded frames that a consumer holds: an encoder with B-frames and a few pictures in work.
    pub(crate) fn held_by_default(self) -> u32 {
        if self.is(|backend| backend.lends_surfaces()) { 8 } else { 0 }
    }
    /// The kind whose frames have this pixel format of FFmpeg's, if they lie in the memory of a device that avsluice
    /// knows.
    pub(crate) fn of_hardware(format: ffi::AVPixelFormat) -> Option<Self> {
        of_pixel_format(format).map(Kind::Device)
    }
    /// FFmpeg's pixel format of frames in this memory, where it has one of its own.
    pub(crate) fn hardware_format(self) -> Option<ffi::AVPixelFormat> {
        self.backend().map(|backend| backend.pixel_format())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::System => "system memory",
            Kind::Device(backend) => backend.memory(),
            Kind::Any => "any memory",
        })
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl BufferRef {
    /// The backend of a device.
    fn device_backend(&self) -> Option<&'static dyn Backend> {
        of_device_type(self.device_context().type_)
    }
    /// Whether both are devices on which the same frames can be used: the same device, or the same context.
    pub(crate) fn same_device(&self, other: &BufferRef) -> bool {
        let identity = |device: &BufferRef| {
            let backend = device.device_backend()?;
            Some((backend.device_type(), backend.identity(device)?))
        };
        self.same(other) || matches!((identity(self), identity(other)), (Some(a), Some(b)) if a == b)
    }
    /// Waits for what the device has queued. FFmpeg has no function for that.
    pub(crate) fn synchronize(&self) -> Result<()> {
        self.device_backend().map_or(Ok(()), |backend| backend.synchronize(self))
    }
    /// The device's name, as its driver has it.
    pub(crate) fn device_name(&self) -> Result<String> {
        match self.device_backend() {
            Some(backend) => backend.device_name(self),
            None => Err(Error::new(ErrorKind::Unsupported, "name")),
        }
    }
}

impl RawFrame {
    /// Waits until the hardware is done with it, where that is asked of the frame and not of its device.
    pub(crate) fn synchronize(&self) -> Result<()> {
        self.kind().and_then(Kind::backend).map_or(Ok(()), |backend| backend.synchronize_frame(self))
    }
}
