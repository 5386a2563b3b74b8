//! What FFmpeg knows of a pixel format.

use super::bindings as ffi;

/// FFmpeg's name of a pixel format (av_get_pix_fmt_name).
pub(crate) fn name(format: ffi::AVPixelFormat) -> &'static str {
    // SAFETY: any value may be asked for; the result is null or a static string.
    let name = unsafe { ffi::av_get_pix_fmt_name(format) };
    if name.is_null() {
        return "unknown";
    }
    // SAFETY: it is a terminated string in FFmpeg's static table.
    unsafe { std::ffi::CStr::from_ptr(name) }.to_str().unwrap_or("unknown")
}

/// The pixel format's description, unless FFmpeg does not know the format.
pub(crate) fn descriptor(format: ffi::AVPixelFormat) -> Option<&'static ffi::AVPixFmtDescriptor> {
    // SAFETY: any value may be asked for; the result is null or static.
    unsafe { ffi::av_pix_fmt_desc_get(format).as_ref() }
}

/// Whether frames of this format lie in a device's memory.
pub(crate) fn is_hardware(format: ffi::AVPixelFormat) -> bool {
    descriptor(format).is_some_and(|d| d.flags & u64::from(ffi::AV_PIX_FMT_FLAG_HWACCEL as u32) != 0)
}

/// Planes, and for each the bytes of picture in a row and the rows.
pub(crate) fn planes(format: ffi::AVPixelFormat, width: i32, height: i32) -> Vec<(usize, usize)> {
    let Some(descriptor) = descriptor(format) else { return Vec::new() };
    // SAFETY: any format may be asked for.
    let count = unsafe { ffi::av_pix_fmt_count_planes(format) }.max(0);
    let shift = i32::from(descriptor.log2_chroma_h);
    (0..count)
        .filter_map(|plane| {
            // SAFETY: plain arithmetic in FFmpeg on the values given.
            let row = unsafe { ffi::av_image_get_linesize(format, width, plane) };
            let rows = if plane == 1 || plane == 2 { (height + (1 << shift) - 1) >> shift } else { height };
            Some((usize::try_from(row).ok()?, usize::try_from(rows).ok()?))
        })
        .collect()
}
