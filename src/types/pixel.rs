//! Size and layout of a picture.

use crate::ffi;
use std::fmt;

/// Size and layout of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Columns of luma samples.
    pub width: u32,
    /// Rows of luma samples.
    pub height: u32,
    /// How the samples lie in memory.
    pub pixels: PixelFormat,
}

/// How the samples of a picture lie in memory (AVPixelFormat). For frames in device memory: the layout there.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PixelFormat {
    /// 8-bit 4:2:0, a luma plane and a plane of interleaved chroma.
    Nv12,
    /// 10-bit 4:2:0 in the high bits of 16, laid out as NV12.
    P010,
    /// 8-bit 4:2:0, three planes.
    Yuv420p,
    /// 8-bit 4:2:0 of full range, three planes: FFmpeg's older way to say so.
    Yuvj420p,
    /// 8-bit 4:2:2, three planes.
    Yuv422p,
    /// 8-bit 4:4:4, three planes.
    Yuv444p,
    /// 10-bit 4:2:0 in the low bits of 16, three planes.
    Yuv420p10,
    /// 8-bit grey.
    Gray8,
    /// 8-bit blue, green, red, alpha, interleaved.
    Bgra,
    /// 8-bit red, green, blue, alpha, interleaved.
    Rgba,
    /// 8-bit red, green, blue, interleaved.
    Rgb24,
    /// Another one of FFmpeg's; `Display` gives FFmpeg's name.
    Other(RawPixelFormat),
}

/// Whether a picture's rows were taken at one time or in two fields, and in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldOrder {
    /// All rows at one time.
    Progressive,
    /// Two fields, the rows 0, 2, 4 and so on first.
    TopFirst,
    /// Two fields, the rows 1, 3, 5 and so on first.
    BottomFirst,
}

/// An AVPixelFormat. Its numbers differ between FFmpeg's versions, so it cannot be taken out.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RawPixelFormat(pub(crate) ffi::AVPixelFormat);

/// Each named format with FFmpeg's constant for it.
const NAMED: [(PixelFormat, ffi::AVPixelFormat); 11] = [
    (PixelFormat::Nv12, ffi::AV_PIX_FMT_NV12),
    (PixelFormat::P010, ffi::AV_PIX_FMT_P010LE),
    (PixelFormat::Yuv420p, ffi::AV_PIX_FMT_YUV420P),
    (PixelFormat::Yuvj420p, ffi::AV_PIX_FMT_YUVJ420P),
    (PixelFormat::Yuv422p, ffi::AV_PIX_FMT_YUV422P),
    (PixelFormat::Yuv444p, ffi::AV_PIX_FMT_YUV444P),
    (PixelFormat::Yuv420p10, ffi::AV_PIX_FMT_YUV420P10LE),
    (PixelFormat::Gray8, ffi::AV_PIX_FMT_GRAY8),
    (PixelFormat::Bgra, ffi::AV_PIX_FMT_BGRA),
    (PixelFormat::Rgba, ffi::AV_PIX_FMT_RGBA),
    (PixelFormat::Rgb24, ffi::AV_PIX_FMT_RGB24),
];

impl PixelFormat {
    pub(crate) fn from_ffmpeg(format: ffi::AVPixelFormat) -> Self {
        let named = NAMED.iter().find(|(_, ffmpeg)| *ffmpeg == format);
        named.map_or(PixelFormat::Other(RawPixelFormat(format)), |(named, _)| *named)
    }
    pub(crate) fn ffmpeg(self) -> ffi::AVPixelFormat {
        match self {
            PixelFormat::Other(raw) => raw.0,
            named => NAMED.iter().find(|(format, _)| *format == named).map_or(ffi::AV_PIX_FMT_NONE, |(_, f)| *f),
        }
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ffi::pixel::name(self.ffmpeg()))
    }
}

impl fmt::Debug for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Format {
    /// The planes of a picture of this format, and for each the bytes of picture in a row and the rows.
    pub(crate) fn planes(self) -> Vec<(usize, usize)> {
        let size = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
        ffi::pixel::planes(self.pixels.ffmpeg(), size(self.width), size(self.height))
    }
}
