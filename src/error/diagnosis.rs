//! What FFmpeg's log says of an error: more than its return value, which is often EPERM, EINVAL or ENOSYS.

use super::{ErrorKind, averror, line::Line};

type Pattern = (&'static str, fn(&str) -> ErrorKind, &'static str);

/// A part of the line, the kind that it tells, and what to do.
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
    (
        "Error setting preset/tune",
        |_| ErrorKind::InvalidSetting { name: "preset".into() },
        "libx264 has no such preset or tune",
    ),
    (
        "Error setting profile",
        |_| ErrorKind::InvalidSetting { name: "profile".into() },
        "libx264 has no such profile, or the pixel format does not fit it",
    ),
    ("No capable devices found", |_| ErrorKind::Unsupported, "no GPU here can encode this format with NVENC"),
    (
        "No decoder surfaces left",
        |_| ErrorKind::PoolExhausted,
        "all of the decoder's surfaces are held: drop frames earlier, or say with `hold` how many are kept at once",
    ),
    (
        // FFmpeg 6.0 and later, where the decoder's surfaces are asked for themselves.
        "CUDA_ERROR_MAP_FAILED",
        |_| ErrorKind::PoolExhausted,
        "the driver maps no further picture of the decoder: drop frames earlier, or say with `hold` how many are kept at once",
    ),
    ("CUDA_ERROR_OUT_OF_MEMORY", |_| ErrorKind::OutOfMemory, "the GPU's memory is used up"),
    ("CUDA_ERROR_NO_DEVICE", |_| ErrorKind::NoDevice, "the driver finds no NVIDIA GPU"),
    ("CUDA_ERROR_INVALID_DEVICE", |_| ErrorKind::NoDevice, "there is no CUDA device of this ordinal"),
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
    (
        "does not support non seekable output",
        |_| ErrorKind::Unsupported,
        "this container is finished by going back to its beginning: write it to what can seek (to_write_seek), or in fragments",
    ),
    ("moov atom not found", |_| ErrorKind::InvalidData, "the file has no index: it is truncated or was never finished"),
];

const NO_RATE_CONTROL: &str = "the VA-API driver has no such rate control: set another rc_mode, or leave it out";

fn no_rate_control(_: &str) -> ErrorKind {
    ErrorKind::InvalidSetting { name: "rc_mode".into() }
}

/// FFmpeg's words are "Required: 12.1 Found: 11.1".
fn driver_too_old(line: &str) -> ErrorKind {
    let word = |after: &str| {
        let rest = line.split_once(after).map_or("", |(_, rest)| rest);
        rest.split_whitespace().next().unwrap_or("unknown").to_string()
    };
    ErrorKind::DriverTooOld { required: word("Required:"), found: word("Found:") }
}

/// The kind of an error, and what is known to help.
pub(crate) fn classify(code: i32, log: &[Line]) -> (ErrorKind, Option<String>) {
    let matched = PATTERNS.iter().find_map(|(text, kind, detail)| {
        let line = log.iter().find(|line| line.text.contains(text))?;
        Some((kind(&line.text), Some(detail.to_string())))
    });
    matched.unwrap_or_else(|| (averror::kind(code), None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi;

    fn diagnose(code: i32, text: &str) -> (ErrorKind, Option<String>) {
        let line = Line { level: log::Level::Error, class: "h264_nvenc".into(), text: text.into() };
        classify(code, &[line])
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
        for (line, kind, help) in cases {
            let (found, text) = diagnose(ffi::AVERROR_EINVAL, line);
            assert_eq!(found, kind, "{line}");
            assert!(text.unwrap().contains(help), "{line}");
        }
    }

    #[test]
    fn without_a_known_line_the_code_decides() {
        assert_eq!(diagnose(ffi::AVERROR_ENOMEM, "something else"), (ErrorKind::OutOfMemory, None));
        assert_eq!(classify(ffi::AVERROR_INVALIDDATA, &[]).0, ErrorKind::InvalidData);
    }
}
