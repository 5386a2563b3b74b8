//! A DMA-BUF as a plain value.

use std::os::fd::OwnedFd;

/// The modifier of rows that follow each other in memory (`DRM_FORMAT_MOD_LINEAR`).
pub const LINEAR: u64 = 0;

/// No modifier was told, so the driver knows by itself (`DRM_FORMAT_MOD_INVALID`).
pub const UNKNOWN: u64 = (1 << 56) - 1;

/// A picture in a DMA-BUF (an AVDRMFrameDescriptor). It owns its file descriptors.
#[derive(Debug)]
pub struct DmaBuf {
    /// Columns of pixels.
    pub width: u32,
    /// Rows of pixels.
    pub height: u32,
    /// DRM's code of the pixel format (`DRM_FORMAT_*`): see [`fourcc`].
    pub fourcc: u32,
    /// DRM's modifier, which tells how the rows are tiled or compressed: [`LINEAR`], [`UNKNOWN`], or one of the
    /// driver's.
    pub modifier: u64,
    /// One for each plane of the format: 2 for NV12.
    pub planes: Vec<Plane>,
}

/// Where a plane of a [`DmaBuf`] is.
#[derive(Debug)]
pub struct Plane {
    /// The buffer. Planes of one buffer have one descriptor each, duplicates of each other.
    pub fd: OwnedFd,
    /// Bytes from the buffer's beginning to the first row.
    pub offset: u32,
    /// Bytes from one row to the next.
    pub pitch: u32,
}

/// A DRM format by its four letters: `drm::fourcc(b"NV12")`, `b"XR24"` for blue, green, red, and a byte unused.
pub const fn fourcc(letters: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*letters)
}
