//! Input formats, and reading a picture out of memory.

use crate::h264::Picture;
use crate::memory::{HostMemory, Span, fingerprint};

/// A `NV_ENC_BUFFER_FORMAT` that can be encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// A luma plane and one of Cb and Cr by turns.
    Nv12,
    /// Planes in the order Y, Cr, Cb; chroma has half the pitch.
    Yv12,
    /// Planes in the order Y, Cb, Cr.
    Iyuv,
}

/// Formats with their numbers.
pub const FORMATS: [(u32, Format); 3] = [(0x1, Format::Nv12), (0x10, Format::Yv12), (0x100, Format::Iyuv)];

impl Format {
    /// The format of a number.
    pub fn from_number(number: u32) -> Option<Format> {
        FORMATS.iter().find(|(known, _)| *known == number).map(|(_, format)| *format)
    }

    /// Its number.
    pub fn number(self) -> u32 {
        FORMATS.iter().find(|(_, format)| *format == self).map_or(0, |(number, _)| *number)
    }
}

/// How a picture lies in memory.
#[derive(Clone, Copy)]
pub struct Shape {
    pub format: Format,
    pub width: usize,
    pub height: usize,
    pub pitch: usize,
}

impl Shape {
    fn chroma(&self) -> (usize, usize) {
        (self.width.div_ceil(2), self.height.div_ceil(2))
    }

    /// Bytes from the first to the last that belongs to the picture; None when the numbers make no sense.
    pub fn bytes(&self) -> Option<usize> {
        if self.width == 0
            || self.height == 0
            || self.pitch < self.width
            || self.width > 1 << 16
            || self.height > 1 << 16
        {
            return None;
        }
        let luma = self.pitch.checked_mul(self.height)?;
        let (width, height) = self.chroma();
        let chroma = match self.format {
            Format::Nv12 => self.pitch.checked_mul(height - 1)?.checked_add(width * 2)?.min(self.pitch * height),
            Format::Yv12 | Format::Iyuv => (self.pitch / 2).checked_mul(height * 2 - 1)?.checked_add(width)?,
        };
        luma.checked_add(chroma)
    }

    /// Bytes of picture, without padding.
    pub fn payload(&self) -> u64 {
        let (width, height) = self.chroma();
        (self.width * self.height + 2 * width * height) as u64
    }

    /// Reads the picture.
    pub fn read(&self, source: &Source<'_>) -> Picture {
        let mut picture = Picture::new(self.width, self.height);
        let stride = picture.stride();
        for (row, target) in picture.y.chunks_exact_mut(stride).take(self.height).enumerate() {
            source.read(row * self.pitch, &mut target[..self.width]);
        }
        let (width, height) = self.chroma();
        let chroma = self.pitch * self.height;
        let (u, v) = (picture.u.chunks_exact_mut(stride / 2), picture.v.chunks_exact_mut(stride / 2));
        match self.format {
            Format::Nv12 => {
                let mut pairs = vec![0; width * 2];
                for (row, (u, v)) in u.zip(v).take(height).enumerate() {
                    source.read(chroma + row * self.pitch, &mut pairs);
                    for (pair, (u, v)) in pairs.chunks_exact(2).zip(u.iter_mut().zip(v.iter_mut())) {
                        (*u, *v) = (pair[0], pair[1]);
                    }
                }
            }
            Format::Yv12 | Format::Iyuv => {
                let pitch = self.pitch / 2;
                let second = chroma + pitch * height;
                let (u_at, v_at) = if self.format == Format::Iyuv { (chroma, second) } else { (second, chroma) };
                for (row, (u, v)) in u.zip(v).take(height).enumerate() {
                    source.read(u_at + row * pitch, &mut u[..width]);
                    source.read(v_at + row * pitch, &mut v[..width]);
                }
            }
        }
        picture.pad();
        picture
    }
}

/// Memory that a picture is read from. The program may write it meanwhile, so it is only ever copied.
pub enum Source<'a> {
    /// Device memory.
    Device(Span),
    /// An input buffer of the session.
    System(&'a HostMemory),
}

impl Source<'_> {
    fn bounds(&self) -> (*const u8, usize) {
        match self {
            Source::Device(span) => (span.as_ptr(), span.len()),
            Source::System(memory) => (memory.as_ptr(), memory.len()),
        }
    }

    /// Copies bytes out; what lies past the end reads as it was.
    fn read(&self, offset: usize, target: &mut [u8]) {
        let (start, length) = self.bounds();
        let count = target.len().min(length.saturating_sub(offset));
        // SAFETY: offset + count is within the memory, which `self` keeps, and `target` is another allocation.
        unsafe { std::ptr::copy_nonoverlapping(start.wrapping_add(offset), target.as_mut_ptr(), count) };
    }

    /// A hash of all the memory, to notice a change.
    pub fn fingerprint(&self) -> u64 {
        let (_, length) = self.bounds();
        fingerprint(length, |offset, chunk| self.read(offset, chunk))
    }
}
