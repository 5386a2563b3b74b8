//! CUDA: devices on a context of somebody's, frames in device memory, NVENC and NVDEC.

mod driver;

use crate::{
    error::{Error, ErrorKind, Pattern, Result, guard},
    ffi,
    raw::{
        BufferRef, RawFrame,
        avcodec::get_format::{GetFormat, get_format},
        avutil::{
            frame::size,
            hwdevice::{OWNER, opening},
            rows::Rows,
        },
        out_of_memory,
    },
    types::{pixel::Format, setting::Setting},
};
use guard::Contained;
use std::ffi::c_void;

/// CUDA.
pub(crate) struct Backend;

impl super::Backend for Backend {
    fn name(&self) -> &'static str {
        "CUDA"
    }
    fn memory(&self) -> &'static str {
        "CUDA memory"
    }
    fn device_type(&self) -> ffi::AVHWDeviceType {
        ffi::AV_HWDEVICE_TYPE_CUDA
    }
    fn pixel_format(&self) -> ffi::AVPixelFormat {
        ffi::AV_PIX_FMT_CUDA
    }
    fn configure_flag(&self) -> &'static str {
        "--enable-ffnvcodec"
    }
    fn get_format(&self, or_system: bool) -> GetFormat {
        if or_system { cuda_or_system } else { only_cuda }
    }
    fn device_name(&self, device: &BufferRef) -> Result<String> {
        let (context, _) = handles(device).ok_or_else(|| Error::new(ErrorKind::Unsupported, "name"))?;
        // SAFETY: the device keeps its context.
        unsafe { driver::device_name(context) }
    }
    fn identity(&self, device: &BufferRef) -> Option<usize> {
        handles(device).map(|(context, _)| context as usize)
    }
    fn device(&self, ordinal: u32) -> Option<Result<BufferRef>> {
        Some(self::device(ordinal, true))
    }
    fn device_in_options(&self, settings: &[Setting]) -> Option<u32> {
        settings.iter().rev().find(|setting| setting.name == "gpu").and_then(|setting| setting.value.parse().ok())
    }
    fn synchronize(&self, device: &BufferRef) -> Result<()> {
        let Some((context, stream)) = handles(device) else { return Ok(()) };
        // SAFETY: the device keeps its context, and whoever named the stream keeps it, as long as the device lives.
        unsafe { driver::synchronize(context, stream) }
    }
    fn maps_surfaces(&self) -> bool {
        cfg!(nvdec_direct_surfaces)
    }
    fn direct_surfaces_flag(&self) -> i32 {
        #[cfg(nvdec_direct_surfaces)]
        return 0;
        #[cfg(not(nvdec_direct_surfaces))]
        return ffi::AV_HWACCEL_FLAG_UNSAFE_OUTPUT as i32;
    }
    fn registers_addresses(&self) -> bool {
        true
    }
    fn uploads_host_frames(&self) -> bool {
        true
    }
    fn shifts_dts_by_ticks(&self) -> bool {
        true
    }
    fn refused_bit_rate(&self) -> Option<(&'static str, &'static str)> {
        Some(("failed to reconfigure nvenc", "nvEncReconfigureEncoder"))
    }
    fn patterns(&self) -> &'static [Pattern] {
        PATTERNS
    }
    fn not_decoded(&self) -> &'static [&'static str] {
        &["cuvidDecodePicture("]
    }
    fn not_mapped(&self) -> Option<&'static str> {
        Some("cuvidMapVideoFrame")
    }
}

get_format!(only_cuda, cuda_or_system, AV_PIX_FMT_CUDA);

/// A CUDA device on a context of avsluice's own making, which goes when the device does.
pub(crate) fn device(ordinal: u32, primary: bool) -> Result<BufferRef> {
    crate::raw::enter()?;
    let owner = {
        let _opening = opening();
        if primary { driver::OwnedContext::primary(ordinal) } else { driver::OwnedContext::create(ordinal) }?
    };
    let context = owner.handle();
    // SAFETY: the owner keeps the context alive, and is dropped after everything on the device.
    unsafe { adopt(context, std::ptr::null_mut(), owner) }
}
/// A CUDA device on a context of somebody else's. `owner` is dropped after the last thing that was built on the device.
///
/// # Safety
/// The context is live until `owner` is dropped; the stream is one of that context's, live as long, or null.
pub(crate) unsafe fn adopt<O: Send + Sync + 'static>(
    context: *mut c_void,
    stream: *mut c_void,
    owner: O,
) -> Result<BufferRef> {
    let owner = Contained::new(OWNER, owner);
    if context.is_null() {
        return Err(Error::invalid("context", "the CUcontext is null"));
    }
    BufferRef::adopt(&Backend, owner, |hwctx| {
        // SAFETY: a CUDA device's hwctx is this struct, and the device is not initialised: its fields are ours to set.
        let cuda = unsafe { &mut *hwctx.cast::<ffi::AVCUDADeviceContext>() };
        (cuda.cuda_ctx, cuda.stream) = (context.cast(), stream.cast());
    })
}
/// The CUcontext and CUstream of a CUDA device.
pub(crate) fn handles(device: &BufferRef) -> Option<(*mut c_void, *mut c_void)> {
    let device = device.device_context();
    if device.type_ != ffi::AV_HWDEVICE_TYPE_CUDA {
        return None;
    }
    // SAFETY: the type says which struct hwctx is, and it does not change after init.
    let cuda = unsafe { &*device.hwctx.cast::<ffi::AVCUDADeviceContext>() };
    Some((cuda.cuda_ctx.cast(), cuda.stream.cast()))
}

impl RawFrame {
    /// Device pointer, pitch, bytes of picture in a row and rows of one plane of a CUDA frame.
    pub(crate) fn cuda_plane(&self, index: usize) -> Option<(u64, Rows)> {
        if self.get().format != ffi::AV_PIX_FMT_CUDA.0 {
            return None;
        }
        let frame = self.get();
        let planes = ffi::pixel::planes(self.format().pixels.ffmpeg(), frame.width, frame.height);
        let &(row, rows) = planes.get(index)?;
        let pointer = *frame.data.get(index)? as u64;
        let pitch = usize::try_from(frame.linesize[index]).ok()?;
        (pointer != 0).then_some((pointer, Rows { pitch, row, rows, bottom_up: false }))
    }
    /// A frame of `pool` around device memory that somebody else owns: `owner` is dropped when the last reference to
    /// the picture is.
    ///
    /// # Safety
    /// The planes are memory of the pool's device, laid out as the pool's format and size ask, and stay allocated and
    /// unchanged until `owner` is dropped.
    pub(crate) unsafe fn imported<P: Send + 'static>(
        pool: &BufferRef,
        format: Format,
        planes: &[(u64, usize)],
        owner: P,
    ) -> Result<Self, (Error, P)> {
        let prepared = Self::new().and_then(|frame| Ok((frame, pool.try_clone()?, size(format)?)));
        let (mut frame, pool, (width, height)) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Err((error, owner)),
        };
        let owner = Box::into_raw(Box::new(owner));
        let first = planes.first().map_or(0, |plane| plane.0);
        // SAFETY: the free function matches the type behind `opaque`; FFmpeg never reads the bytes behind a CUDA
        // buffer.
        let buffer = unsafe { ffi::av_buffer_create(first as *mut u8, 0, Some(drop_owner::<P>), owner.cast(), 0) };
        if buffer.is_null() {
            // SAFETY: the box was made above, and no buffer took it over.
            return Err((out_of_memory("av_buffer_create"), *unsafe { Box::from_raw(owner) }));
        }
        let raw = frame.get_mut();
        raw.format = ffi::AV_PIX_FMT_CUDA.0;
        (raw.width, raw.height) = (width, height);
        raw.buf[0] = buffer;
        raw.hw_frames_ctx = pool.into_raw();
        for (index, &(pointer, pitch)) in planes.iter().enumerate().take(4) {
            raw.data[index] = pointer as *mut u8;
            raw.linesize[index] = i32::try_from(pitch).unwrap_or(i32::MAX);
        }
        Ok(frame)
    }
}

/// AVBuffer's free callback: gives an imported picture back to its owner.
unsafe extern "C" fn drop_owner<P: Send + 'static>(opaque: *mut std::ffi::c_void, _data: *mut u8) {
    // SAFETY: `imported` made `opaque` from a Box<P>, and FFmpeg calls this once.
    let owner = unsafe { Box::from_raw(opaque.cast::<P>()) };
    guard::dispose("an imported picture", owner);
}

// The handles of the CUDA driver's interface are pointers; hwcontext_cuda.h is read without the toolkit's cuda.h.
static_assertions::assert_eq_size!(ffi::CUcontext, ffi::CUstream, *const ());
static_assertions::assert_eq_size!(ffi::AVCUDADeviceContext, [*const (); 3]);
static_assertions::assert_type_eq_all!(ffi::CUcontext, *mut ffi::CUctx_st);

/// FFmpeg's words are "Required: 12.1 Found: 11.1".
fn driver_too_old(line: &str) -> ErrorKind {
    let word = |after: &str| {
        let rest = line.split_once(after).map_or("", |(_, rest)| rest);
        rest.split_whitespace().next().unwrap_or("unknown").to_string()
    };
    ErrorKind::DriverTooOld { required: word("Required:"), found: word("Found:") }
}

const PATTERNS: &[Pattern] = &[
    (
        "Cannot load libcuda",
        |_| ErrorKind::DriverMissing,
        "the NVIDIA driver's libcuda.so.1 cannot be loaded: install the NVIDIA driver",
    ),
    (
        "Cannot load libnvidia-encode",
        |_| ErrorKind::DriverMissing,
        "the NVIDIA driver's libnvidia-encode.so.1 cannot be loaded: install the driver's encode library (libnvidia-encode1 on Debian)",
    ),
    (
        "Cannot load nvcuvid",
        |_| ErrorKind::DriverMissing,
        "the NVIDIA driver's libnvcuvid.so.1 cannot be loaded: install the driver's decode library (libnvcuvid1 on Debian)",
    ),
    ("Failed loading nvcuvid", |_| ErrorKind::DriverMissing, "the NVIDIA driver's libnvcuvid.so.1 cannot be loaded"),
    (
        "Driver does not support the required nvenc API version",
        driver_too_old,
        "the NVIDIA driver is older than this FFmpeg needs: update the driver",
    ),
    (
        "incompatible client key",
        |_| ErrorKind::SessionLimit,
        "the driver allows no further encoding session: close another encoder first",
    ),
    (
        "OpenEncodeSessionEx failed: out of memory",
        |_| ErrorKind::SessionLimit,
        "the driver allows no further encoding session: close another encoder first",
    ),
    ("OpenEncodeSessionEx failed: unsupported device", |_| ErrorKind::Unsupported, "this GPU has no NVENC engine"),
    (
        "InitializeEncoder failed: invalid param",
        |_| ErrorKind::Unsupported,
        "NVENC refuses these parameters: most often the picture is smaller than the GPU encodes (145x49 since Turing) or larger",
    ),
    (
        "Provided device doesn't support required NVENC features",
        |_| ErrorKind::Unsupported,
        "this GPU's NVENC cannot encode in this codec, profile or with these options",
    ),
    ("No capable devices found", |_| ErrorKind::Unsupported, "no GPU here can encode this format with NVENC"),
    (
        "No decoder surfaces left",
        |_| ErrorKind::PoolExhausted,
        "all of the decoder's surfaces are held: drop frames earlier, or say with `extra_frames` how many are kept at once",
    ),
    (
        // FFmpeg 6.0 and later, where the decoder's surfaces are asked for themselves.
        "CUDA_ERROR_MAP_FAILED",
        |_| ErrorKind::PoolExhausted,
        "the driver maps no further picture of the decoder: drop frames earlier, or say with `extra_frames` how many are kept at once",
    ),
    ("CUDA_ERROR_OUT_OF_MEMORY", |_| ErrorKind::OutOfMemory, "the GPU's memory is used up"),
    ("CUDA_ERROR_NO_DEVICE", |_| ErrorKind::NoDevice, "the driver finds no NVIDIA GPU"),
    ("CUDA_ERROR_INVALID_DEVICE", |_| ErrorKind::NoDevice, "there is no CUDA device of this ordinal"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{classify, line::Line};

    fn diagnose(code: i32, text: &str) -> (ErrorKind, Option<String>) {
        let line = Line { level: log::Level::Error, class: "h264_nvenc".into(), text: text.into() };
        classify(code, &[line], PATTERNS)
    }

    #[test]
    fn h33_a_missing_library_is_told_from_permissions() {
        let (kind, help) = diagnose(ffi::AVERROR_EPERM, "Cannot load libcuda.so.1");
        assert_eq!(kind, ErrorKind::DriverMissing);
        assert!(help.unwrap().contains("install"));
    }

    #[test]
    fn h17_both_versions_are_read() {
        let text = "Driver does not support the required nvenc API version. Required: 12.1 Found: 11.0";
        let expected = ErrorKind::DriverTooOld { required: "12.1".into(), found: "11.0".into() };
        assert_eq!(diagnose(ffi::AVERROR_ENOSYS, text).0, expected);
    }
}
