//! The pixel formats that an encoder takes.

use crate::{ffi, types::pixel::PixelFormat};

/// What the codec lists; nothing where it does not say.
pub(in crate::raw) fn taken(codec: &'static ffi::AVCodec) -> Vec<PixelFormat> {
    listed(codec).iter().map(|format| PixelFormat::from_ffmpeg(*format)).collect()
}

#[cfg(has_supported_config)]
fn listed(codec: &'static ffi::AVCodec) -> &'static [ffi::AVPixelFormat] {
    let (mut list, mut count) = (std::ptr::null(), 0);
    // SAFETY: no context is needed; both results are written on success, the list being the codec's own, which is static.
    let code = unsafe {
        let wanted = ffi::AV_CODEC_CONFIG_PIX_FORMAT;
        ffi::avcodec_get_supported_config(std::ptr::null(), codec, wanted, 0, &mut list, &mut count)
    };
    if code < 0 || list.is_null() {
        return &[];
    }
    // SAFETY: FFmpeg says that this many AVPixelFormats stand there.
    unsafe { std::slice::from_raw_parts(list.cast(), usize::try_from(count).unwrap_or(0)) }
}

#[cfg(not(has_supported_config))]
fn listed(codec: &'static ffi::AVCodec) -> &'static [ffi::AVPixelFormat] {
    if codec.pix_fmts.is_null() {
        return &[];
    }
    // SAFETY: the list is static and ends with AV_PIX_FMT_NONE, up to which it is read.
    unsafe {
        let count = (0..).take_while(|&index| *codec.pix_fmts.add(index) != ffi::AV_PIX_FMT_NONE).count();
        std::slice::from_raw_parts(codec.pix_fmts, count)
    }
}
