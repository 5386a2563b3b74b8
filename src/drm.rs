//! DMA-BUFs: pictures as a compositor, a camera or another process hands them out.

pub use crate::types::dma_buf::{DmaBuf, LINEAR, Plane, UNKNOWN, fourcc};

use crate::{
    Error, ErrorKind, Frame, FramePool, PixelFormat, Result, System,
    raw::backend::drm::{Reading, fixed_size},
};
use std::{fs::File, os::unix::fs::MetadataExt as _};

/// The layouts that DMA-BUFs have, by DRM's codes: DRM names a packed pixel's bits from the highest, FFmpeg its bytes from the
/// first. An unused byte stands for alpha where a pool has one.
const FORMATS: &[(u32, PixelFormat)] = &[
    (fourcc(b"NV12"), PixelFormat::Nv12),
    (fourcc(b"P010"), PixelFormat::P010),
    (fourcc(b"YU12"), PixelFormat::Yuv420p),
    (fourcc(b"YU16"), PixelFormat::Yuv422p),
    (fourcc(b"YU24"), PixelFormat::Yuv444p),
    (fourcc(b"R8  "), PixelFormat::Gray8),
    (fourcc(b"AR24"), PixelFormat::Bgra),
    (fourcc(b"XR24"), PixelFormat::Bgra),
    (fourcc(b"AB24"), PixelFormat::Rgba),
    (fourcc(b"XB24"), PixelFormat::Rgba),
];

/// A buffer behind a plane, and how large it is.
pub(crate) struct Checked {
    /// For each plane the bytes of picture in a row, and the rows.
    pub(crate) planes: Vec<(usize, usize)>,
    /// For each plane the size of its buffer in bytes.
    pub(crate) sizes: Vec<u64>,
    /// Whether all planes lie in one buffer.
    pub(crate) one_buffer: bool,
}

impl DmaBuf {
    /// Whether it is a picture of that pool's format, whose rows all lie in its buffers.
    pub(crate) fn check<M: crate::Memory>(&self, pool: &FramePool<'_, M>, operation: &'static str) -> Result<Checked> {
        let refuse = |detail: String| Err(Error::new(ErrorKind::WrongFormat, operation).detail(detail));
        let due = pool.format();
        let code = || String::from_utf8_lossy(&self.fourcc.to_le_bytes()).into_owned();
        if !FORMATS.contains(&(self.fourcc, due.pixels)) || (self.width, self.height) != (due.width, due.height) {
            let found = format!("{} {}x{}", code(), self.width, self.height);
            return refuse(format!(
                "a DMA-BUF of DRM format {found} is no frame of {} {}x{}",
                due.pixels, due.width, due.height
            ));
        }
        let planes = due.planes();
        if self.planes.len() != planes.len() {
            return refuse(format!("{} has {} planes, the DMA-BUF has {}", code(), planes.len(), self.planes.len()));
        }
        let (mut sizes, mut buffers) = (Vec::new(), Vec::new());
        for (index, (plane, &(row, rows))) in self.planes.iter().zip(&planes).enumerate() {
            let size = fixed_size(&plane.fd)?;
            let buffer = File::from(plane.fd.try_clone()?).metadata()?;
            let pitch = u64::from(plane.pitch);
            let end = u64::from(plane.offset) + pitch * (rows as u64).saturating_sub(1) + row as u64;
            // Only of linear pictures is it known where the rows end.
            if pitch < row as u64 || (self.modifier == LINEAR && end > size) {
                return refuse(format!(
                    "plane {index} does not fit its buffer of {} bytes: offset {}, {rows} rows of {row} bytes, pitch {pitch}",
                    size, plane.offset
                ));
            }
            sizes.push(size);
            buffers.push((buffer.dev(), buffer.ino()));
        }
        let one_buffer = buffers.windows(2).all(|pair| pair[0] == pair[1]);
        Ok(Checked { planes, sizes, one_buffer })
    }
}

impl FramePool<'_, System> {
    /// Copies a linear DMA-BUF into a frame. It is mapped for the copy alone, with the synchronisation that DMA-BUFs ask for.
    ///
    /// A memfd can stand for a buffer, if it is sealed against shrinking (`F_SEAL_SHRINK`): another process could otherwise take the
    /// memory away during the copy, which kills the reader.
    ///
    /// # Errors
    /// `WrongFormat` if it is not of the pool's size and format; `Unsupported` if it is tiled or compressed, or neither a DMA-BUF nor
    /// a sealed memfd; what the kernel reports.
    pub fn copy(&self, picture: &DmaBuf) -> Result<Frame<'static, System>> {
        let checked = picture.check(self, "copy")?;
        if picture.modifier != LINEAR {
            return Err(Error::new(ErrorKind::Unsupported, "copy").detail(format!(
                "only a linear DMA-BUF can be copied by the host, not modifier {:#x}: import it into a device's pool",
                picture.modifier
            )));
        }
        let mut frame = Frame::system(self.format())?;
        for (index, (plane, (&(row, rows), &size))) in
            picture.planes.iter().zip(checked.planes.iter().zip(&checked.sizes)).enumerate()
        {
            let reading = Reading::begin(&plane.fd, size)?;
            let Some(target) = frame.plane_mut(index) else { continue };
            for (line, to) in target.lines_mut().take(rows).enumerate() {
                reading.copy(plane.offset as usize + line * plane.pitch as usize, &mut to[..row])?;
            }
            reading.end()?;
        }
        Ok(frame)
    }
}
