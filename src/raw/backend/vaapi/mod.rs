//! VA-API: devices on a DRM node or display, frames in surfaces.

mod libva;

use crate::{
    error::{Error, ErrorKind, Pattern, Result, guard::Contained},
    ffi,
    raw::{
        BufferRef, RawFrame,
        avcodec::get_format::{GetFormat, get_format},
        avutil::hwdevice::{OWNER, opening},
        check, version,
    },
};
use std::{
    ffi::{CStr, c_void},
    ptr,
};

/// VA-API.
pub(crate) struct Backend;

impl super::Backend for Backend {
    fn name(&self) -> &'static str {
        "VA-API"
    }
    fn memory(&self) -> &'static str {
        "VA-API surfaces"
    }
    fn device_type(&self) -> ffi::AVHWDeviceType {
        ffi::AV_HWDEVICE_TYPE_VAAPI
    }
    fn pixel_format(&self) -> ffi::AVPixelFormat {
        ffi::AV_PIX_FMT_VAAPI
    }
    fn configure_flag(&self) -> &'static str {
        "--enable-vaapi"
    }
    fn get_format(&self, or_system: bool) -> GetFormat {
        if or_system { vaapi_or_system } else { only_vaapi }
    }
    fn device_name(&self, device: &BufferRef) -> Result<String> {
        let display = display(device).ok_or_else(|| Error::new(ErrorKind::Unsupported, "name"))?;
        // SAFETY: the device keeps its display.
        unsafe { libva::vendor(display) }
    }
    fn identity(&self, device: &BufferRef) -> Option<usize> {
        display(device).map(|display| display as usize)
    }
    fn waits_for_frames(&self) -> bool {
        true
    }
    fn synchronize_frame(&self, frame: &RawFrame) -> Result<()> {
        let device = frame.pool().map(|pool| pool.frames_device()).transpose()?;
        let Some(display) = device.as_ref().and_then(display) else { return Ok(()) };
        // SAFETY: the frame's pool keeps the device, and with it the display; such a frame's data[3] is its
        // VASurfaceID.
        unsafe { libva::sync_surface(display, frame.get().data[3] as usize as u32) }
    }
    fn lends_surfaces(&self) -> bool {
        true
    }
    fn crashes_without_room(&self) -> bool {
        cfg!(vaapi_encoders_crash_without_room)
    }
    fn known_leak(&self) -> &'static str {
        // FFmpeg 7's libavcodec is 61.
        if version::libavcodec_version().0 != 61 {
            return "";
        }
        "; FFmpeg 7.1 leaks one with every vaapi encoder that it closes, which is a defect of that version"
    }
    fn patterns(&self) -> &'static [Pattern] {
        PATTERNS
    }
    fn not_decoded(&self) -> &'static [&'static str] {
        &["Failed to end picture decode issue"]
    }
}

get_format!(only_vaapi, vaapi_or_system, AV_PIX_FMT_VAAPI);

/// A VA-API device on a display of somebody else's.
///
/// # Safety
/// The display is initialised and live until `owner` is dropped.
pub(crate) unsafe fn adopt<O: Send + Sync + 'static>(display: *mut c_void, owner: O) -> Result<BufferRef> {
    let owner = Contained::new(OWNER, owner);
    if display.is_null() {
        return Err(Error::invalid("display", "the VADisplay is null"));
    }
    BufferRef::adopt(&Backend, owner, |hwctx| {
        // SAFETY: a VA-API device's hwctx is this struct, and the device is not initialised: its fields are ours to
        // set.
        unsafe { (*hwctx.cast::<ffi::AVVAAPIDeviceContext>()).display = display };
    })
}
/// A VA-API device that FFmpeg opens: by a DRM node, or on an X11 display (av_hwdevice_ctx_create).
pub(crate) fn device(connection: &'static CStr, name: &CStr) -> Result<BufferRef> {
    crate::raw::enter()?;
    let mut options = ptr::null_mut();
    // SAFETY: both strings are terminated; the dictionary is ours, and freed below.
    let set = unsafe { ffi::av_dict_set(&mut options, c"connection_type".as_ptr(), connection.as_ptr(), 0) };
    let mut device = ptr::null_mut();
    let created = if set < 0 {
        Err(crate::raw::out_of_memory("av_dict_set"))
    } else {
        let _opening = opening();
        let kind = ffi::AV_HWDEVICE_TYPE_VAAPI;
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
    unsafe { BufferRef::from_owned("av_hwdevice_ctx_create", device) }
}
/// The VADisplay of a VA-API device.
pub(crate) fn display(device: &BufferRef) -> Option<*mut c_void> {
    let device = device.device_context();
    if device.type_ != ffi::AV_HWDEVICE_TYPE_VAAPI {
        return None;
    }
    // SAFETY: the type says which struct hwctx is, and it does not change after init.
    Some(unsafe { (*device.hwctx.cast::<ffi::AVVAAPIDeviceContext>()).display })
}

const NO_RATE_CONTROL: &str = "the VA-API driver has no such rate control: set another rc_mode, or leave it out";

fn no_rate_control(_: &str) -> ErrorKind {
    ErrorKind::InvalidSetting { name: "rc_mode".into() }
}

const PATTERNS: &[Pattern] = &[
    (
        "as DRM device node",
        |_| ErrorKind::NoDevice,
        "the DRM node cannot be opened: take one of /dev/dri/renderD*, and be in the group that may open it (render on Debian)",
    ),
    (
        "No VA display found",
        |_| ErrorKind::NoDevice,
        "there is no such display: take one of /dev/dri/renderD*, or the name of an X11 display that is running",
    ),
    (
        "Failed to initialise VAAPI connection",
        |_| ErrorKind::DriverMissing,
        "libva finds no working driver for this GPU: install it (mesa-va-drivers or intel-media-va-driver on Debian); \
         LIBVA_DRIVER_NAME and LIBVA_DRIVERS_PATH, where they are set, say which one and where",
    ),
    (
        "No usable encoding profile found",
        |_| ErrorKind::Unsupported,
        "this GPU's VA-API driver does not encode in this codec, profile or pixel format",
    ),
    (
        "No usable encoding entrypoint found",
        |_| ErrorKind::Unsupported,
        "this GPU's VA-API driver decodes this codec and does not encode it",
    ),
    ("RC mode (supported modes", no_rate_control, NO_RATE_CONTROL),
    ("RC mode compatible with selected options", no_rate_control, NO_RATE_CONTROL),
    (
        "Bitrate must be set for",
        |_| ErrorKind::InvalidSetting { name: "bit_rate".into() },
        "this rate control needs a bit rate: say it with bit_rate(..)",
    ),
    (
        "Hardware does not support encoding at size",
        |_| ErrorKind::Unsupported,
        "the VA-API driver does not encode pictures of this size",
    ),
    (
        "surface from DRM object",
        |_| ErrorKind::Unsupported,
        "the driver refused to import this DMA-BUF: it does not take its format, modifier, pitch or size, or memory of its exporter",
    ),
    ("(resource allocation failed)", |_| ErrorKind::OutOfMemory, "the VA-API driver has no memory left"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{classify, line::Line};

    #[test]
    fn va_api_s_lines_tell_what_is_missing() {
        let cases = [
            ("Failed to open /dev/dri/renderD128 as DRM device node.", ErrorKind::NoDevice, "renderD"),
            ("No VA display found for device :7.", ErrorKind::NoDevice, "X11"),
            ("Failed to initialise VAAPI connection: -1 (unknown libva error).", ErrorKind::DriverMissing, "install"),
            ("No usable encoding profile found.", ErrorKind::Unsupported, "does not encode"),
            ("Driver does not support QVBR RC mode (supported modes: CQP, CBR).", no_rate_control(""), "rc_mode"),
            ("Failed to create surface: 2 (resource allocation failed).", ErrorKind::OutOfMemory, "memory"),
        ];
        for (text, kind, help) in cases {
            let line = Line { level: log::Level::Error, class: "h264_vaapi".into(), text: text.into() };
            let (found, words) = classify(ffi::AVERROR_EINVAL, &[line], PATTERNS);
            assert_eq!(found, kind, "{text}");
            assert!(words.unwrap().contains(help), "{text}");
        }
    }
}
