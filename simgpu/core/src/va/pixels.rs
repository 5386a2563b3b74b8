//! Memory of surfaces and images: NV12 and planar 4:2:0 pictures.

use super::layout::fourcc;
use crate::h264;
use crate::ledger;
use crate::memory::fingerprint;
use crate::status::{Outcome, va};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// A mapping of shared memory, unmapped when dropped: what a program gets is a mapping of its own, so that a use after the end of
/// it is a SIGSEGV.
pub struct View {
    start: *mut u8,
    length: usize,
}

// SAFETY: it is plain memory; every access of ours goes through a copy, and the program's accesses are its own affair.
unsafe impl Send for View {}

impl View {
    fn new(file: &OwnedFd, length: usize) -> Option<View> {
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        // SAFETY: a fresh mapping at an address of the kernel's choice touches nothing that exists.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), length, protection, flags, file.as_raw_fd(), 0) };
        (start != libc::MAP_FAILED).then_some(View { start: start.cast(), length })
    }

    /// Where it starts.
    pub fn as_ptr(&self) -> *mut u8 {
        self.start
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // SAFETY: the range came from mmap in `new`, and this is its only owner.
        unsafe { libc::munmap(self.start.cast(), self.length) };
    }
}

/// Device memory that is accounted for while this lives.
pub struct Budget(u64);

impl Budget {
    /// Fails when the device's memory is used up.
    pub fn take(bytes: usize) -> Outcome<Budget> {
        if ledger::lock().take(bytes as u64) { Ok(Budget(bytes as u64)) } else { Err(va::ALLOCATION_FAILED) }
    }
}

impl Drop for Budget {
    fn drop(&mut self) {
        ledger::lock().give_back(self.0);
    }
}

/// How a picture lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// `VA_FOURCC_*`
    pub fourcc: u32,
    pub width: usize,
    pub height: usize,
    pub pitches: [usize; 3],
    pub offsets: [usize; 3],
    pub size: usize,
}

impl Shape {
    /// As surfaces have it; rows to whole macroblocks, and more between them than a program that ignores pitches expects.
    pub fn surface(width: usize, height: usize) -> Shape {
        Shape::new(fourcc::NV12, width, height, (width + 1).next_multiple_of(64) + 64, height.next_multiple_of(16))
    }

    /// As images have it, `None` for a format that is not supported.
    pub fn image(fourcc: u32, width: usize, height: usize) -> Option<Shape> {
        let known = [fourcc::NV12, fourcc::YV12, fourcc::I420].contains(&fourcc);
        known.then(|| Shape::new(fourcc, width, height, width.next_multiple_of(32), height.next_multiple_of(2)))
    }

    /// A buffer of somebody else's with an NV12 picture in it, `None` if it has no room for the picture.
    pub fn external(
        width: usize,
        height: usize,
        pitches: [usize; 3],
        offsets: [usize; 3],
        size: usize,
    ) -> Option<Shape> {
        let row = width.next_multiple_of(2);
        let fits = |plane: usize, rows: usize| {
            let end = pitches[plane].checked_mul(rows)?.checked_add(offsets[plane])?;
            (pitches[plane] >= row && end <= size.checked_add(pitches[plane] - row)?).then_some(())
        };
        fits(0, height)?;
        fits(1, height.div_ceil(2))?;
        Some(Shape { fourcc: fourcc::NV12, width, height, pitches, offsets, size })
    }

    fn new(fourcc: u32, width: usize, height: usize, pitch: usize, rows: usize) -> Shape {
        let luma = pitch * rows;
        let (pitches, offsets) = match fourcc {
            fourcc::NV12 => ([pitch, pitch, 0], [0, luma, 0]),
            _ => ([pitch, pitch / 2, pitch / 2], [0, luma, luma + luma / 4]),
        };
        Shape { fourcc, width, height, pitches, offsets, size: luma + luma / 2 }
    }

    /// How many planes there are.
    pub fn planes(&self) -> usize {
        if self.fourcc == fourcc::NV12 { 2 } else { 3 }
    }

    /// Bytes of picture, without padding.
    pub fn payload(&self) -> u64 {
        (self.width * self.height + 2 * self.width.div_ceil(2) * self.height.div_ceil(2)) as u64
    }

    /// The visible rows of each plane: offset and length in bytes.
    #[cfg(test)]
    fn rows(&self) -> impl Iterator<Item = (usize, usize)> {
        let shape = *self;
        let (columns, rows) = (shape.width.div_ceil(2), shape.height.div_ceil(2));
        let chroma = if shape.planes() == 2 { columns * 2 } else { columns };
        (0..shape.planes()).flat_map(move |plane| {
            let (length, count) = if plane == 0 { (shape.width, shape.height) } else { (chroma, rows) };
            (0..count).map(move |row| (shape.offsets[plane] + row * shape.pitches[plane], length))
        })
    }

    /// Where a row of luma begins.
    fn luma(&self, row: usize) -> usize {
        self.offsets[0] + row * self.pitches[0]
    }

    /// Where Cb and Cr of a row begin, and how far one sample is from the next.
    fn chroma(&self, row: usize) -> (usize, usize, usize) {
        let at = |plane: usize| self.offsets[plane] + row * self.pitches[plane];
        match self.fourcc {
            fourcc::NV12 => (at(1), at(1) + 1, 2),
            fourcc::YV12 => (at(2), at(1), 1),
            _ => (at(1), at(2), 1),
        }
    }
}

/// A picture's memory.
pub struct Pixels {
    pub shape: Shape,
    file: OwnedFd,
    view: View,
    _budget: Option<Budget>,
}

impl Pixels {
    /// What a surface has: device memory, its contents not what any program expects.
    pub fn on_device(shape: Shape) -> Outcome<Pixels> {
        let pixels = Pixels::new(shape, Some(Budget::take(shape.size)?))?;
        pixels.fill(0xa5);
        Ok(pixels)
    }

    /// What an image has that the program made.
    pub fn on_host(shape: Shape) -> Outcome<Pixels> {
        Pixels::new(shape, None)
    }

    /// A buffer of the program's, or of another driver's, that is as large as the shape says.
    pub fn imported(shape: Shape, file: OwnedFd) -> Outcome<Pixels> {
        let view = View::new(&file, shape.size).ok_or(va::INVALID_PARAMETER)?;
        Ok(Pixels { shape, file, view, _budget: None })
    }

    fn new(shape: Shape, budget: Option<Budget>) -> Outcome<Pixels> {
        // SAFETY: the name is a C string; the function has no other precondition.
        let file = unsafe { libc::memfd_create(c"simgpu".as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING) };
        if file < 0 {
            return Err(va::ALLOCATION_FAILED);
        }
        // SAFETY: the descriptor is new and ours alone.
        let file = unsafe { OwnedFd::from_raw_fd(file) };
        // SAFETY: ftruncate has no preconditions.
        let sized = unsafe { libc::ftruncate(file.as_raw_fd(), shape.size as libc::off_t) } == 0;
        // It stands for a DMA-BUF, which cannot shrink either.
        // SAFETY: adding seals has no preconditions.
        let sized = sized && unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, libc::F_SEAL_SHRINK) } == 0;
        let view = View::new(&file, shape.size).filter(|_| sized).ok_or(va::ALLOCATION_FAILED)?;
        Ok(Pixels { shape, file, view, _budget: budget })
    }

    /// A mapping for the program.
    pub fn map(&self) -> Option<View> {
        View::new(&self.file, self.shape.size)
    }

    fn read(&self, offset: usize, target: &mut [u8]) {
        let count = target.len().min(self.shape.size.saturating_sub(offset));
        // SAFETY: offset + count is within the mapping, and `target` is another allocation.
        unsafe { std::ptr::copy_nonoverlapping(self.view.start.wrapping_add(offset), target.as_mut_ptr(), count) };
    }

    fn write(&self, offset: usize, source: &[u8]) {
        let count = source.len().min(self.shape.size.saturating_sub(offset));
        // SAFETY: offset + count is within the mapping, and `source` is another allocation.
        unsafe { std::ptr::copy_nonoverlapping(source.as_ptr(), self.view.start.wrapping_add(offset), count) };
    }

    fn fill(&self, value: u8) {
        // SAFETY: the mapping has `size` bytes.
        unsafe { std::ptr::write_bytes(self.view.start, value, self.shape.size) };
    }

    /// A hash of all the memory, to notice a change.
    pub fn fingerprint(&self) -> u64 {
        fingerprint(self.shape.size, |offset, chunk| self.read(offset, chunk))
    }

    /// A copy of the visible picture.
    #[cfg(test)]
    pub fn visible(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.shape.payload() as usize);
        for (offset, length) in self.shape.rows() {
            let start = bytes.len();
            bytes.resize(start + length, 0);
            self.read(offset, &mut bytes[start..]);
        }
        bytes
    }

    /// Copies the visible picture from another, in whatever format each is; both are as large as the smaller.
    pub fn copy_from(&self, source: &Pixels) {
        let (width, height) = (self.shape.width.min(source.shape.width), self.shape.height.min(source.shape.height));
        let mut row = vec![0; width];
        for y in 0..height {
            source.read(source.shape.luma(y), &mut row);
            self.write(self.shape.luma(y), &row);
        }
        let columns = width.div_ceil(2);
        for y in 0..height.div_ceil(2) {
            let (from, to) = (source.shape.chroma(y), self.shape.chroma(y));
            for (from_start, to_start) in [(from.0, to.0), (from.1, to.1)] {
                source.read_spread(from_start, from.2, &mut row[..columns]);
                self.write_spread(to_start, to.2, &row[..columns]);
            }
        }
    }

    /// Reads every `step`th byte.
    fn read_spread(&self, start: usize, step: usize, target: &mut [u8]) {
        let mut bytes = vec![0; (target.len() * step).saturating_sub(step - 1)];
        self.read(start, &mut bytes);
        for (to, from) in target.iter_mut().zip(bytes.iter().step_by(step)) {
            *to = *from;
        }
    }

    /// Writes every `step`th byte.
    fn write_spread(&self, start: usize, step: usize, source: &[u8]) {
        if step == 1 {
            return self.write(start, source);
        }
        let mut bytes = vec![0; (source.len() * step).saturating_sub(step - 1)];
        self.read(start, &mut bytes);
        for (to, from) in bytes.iter_mut().step_by(step).zip(source) {
            *to = *from;
        }
        self.write(start, &bytes);
    }

    /// The picture for the encoder, `across` x `down` macroblocks of it; what lies beyond it repeats its edges.
    pub fn picture(&self, across: usize, down: usize) -> h264::Picture {
        let (width, height) = (self.shape.width.min(across * 16), self.shape.height.min(down * 16));
        let mut picture = h264::Picture::cropped(width, height, across, down);
        let stride = picture.stride();
        for (y, row) in picture.y.chunks_exact_mut(stride).take(height).enumerate() {
            self.read(self.shape.luma(y), &mut row[..width]);
        }
        let columns = width.div_ceil(2);
        let (u, v) = (picture.u.chunks_exact_mut(stride / 2), picture.v.chunks_exact_mut(stride / 2));
        for (y, (u, v)) in u.zip(v).take(height.div_ceil(2)).enumerate() {
            let (u_start, v_start, step) = self.shape.chroma(y);
            self.read_spread(u_start, step, &mut u[..columns]);
            self.read_spread(v_start, step, &mut v[..columns]);
        }
        picture.pad();
        picture
    }

    /// Writes a decoded picture, as much of it as there is room for, and grey for one that could not be decoded.
    pub fn put_planes(&self, planes: Option<crate::decode::Planes<'_>>) {
        let Some(planes) = planes else { return self.fill(128) };
        // All that was decoded and has room, not only what is visible: the surface may be smaller than whole macroblocks.
        let width = planes.width.min(self.shape.pitches[0]);
        let height =
            planes.height.min(self.shape.offsets[1].saturating_sub(self.shape.offsets[0]) / self.shape.pitches[0]);
        for y in 0..height {
            self.write(self.shape.luma(y), &planes.data[0][y * planes.strides[0]..][..width]);
        }
        let columns = width / 2;
        let mut row = vec![0; columns * 2];
        for y in 0..height / 2 {
            let u = &planes.data[1][y * planes.strides[1]..][..columns];
            let v = &planes.data[2][y * planes.strides[2]..][..columns];
            for (pair, (u, v)) in row.chunks_exact_mut(2).zip(u.iter().zip(v)) {
                pair.copy_from_slice(&[*u, *v]);
            }
            self.write(self.shape.offsets[1] + y * self.shape.pitches[1], &row);
        }
    }
}
