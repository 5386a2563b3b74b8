//! The rows of a plane in host memory. Between one row and the next lie bytes that belong to no picture: a decoder may never have written them,
//! and what is not written is not to be read. So rows are handed out, and never a slice over several.

use crate::ffi;
use crate::raw::{Kind, RawFrame};
use std::{marker::PhantomData, ptr::NonNull, slice};

/// How a plane's rows follow each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    /// Bytes from one row to the next.
    pub(crate) pitch: usize,
    /// Bytes of picture in a row.
    pub(crate) row: usize,
    pub(crate) rows: usize,
    /// The first row in memory is the picture's last.
    pub(crate) bottom_up: bool,
}

impl Rows {
    /// Bytes from the first row in memory to the end of the last.
    fn length(self) -> usize {
        self.pitch * (self.rows - 1) + self.row
    }
    /// Bytes from the first row in memory to a row of the picture, if it has that one.
    pub(in crate::raw) fn offset(self, row: usize) -> Option<usize> {
        let place = if self.bottom_up { self.rows.checked_sub(row + 1)? } else { row };
        (place < self.rows).then(|| self.pitch * place)
    }
}

/// Rows of a picture in host memory, to read. Row 0 is the picture's top.
#[derive(Clone, Copy, Debug)]
pub struct HostRows<'f> {
    first: NonNull<u8>,
    rows: Rows,
    frame: PhantomData<&'f [u8]>,
}

/// Rows of a picture in host memory, to write.
#[derive(Debug)]
pub struct HostRowsMut<'f> {
    first: NonNull<u8>,
    rows: Rows,
    frame: PhantomData<&'f mut [u8]>,
}

// SAFETY: it is a set of `&'f [u8]`.
unsafe impl Send for HostRows<'_> {}
// SAFETY: as above.
unsafe impl Sync for HostRows<'_> {}
// SAFETY: it is a set of `&'f mut [u8]`.
unsafe impl Send for HostRowsMut<'_> {}
// SAFETY: as above; through `&` there is nothing to be had.
unsafe impl Sync for HostRowsMut<'_> {}

impl<'f> HostRows<'f> {
    /// No rows.
    fn none() -> Self {
        HostRows { first: NonNull::dangling(), rows: Rows::default(), frame: PhantomData }
    }
    pub(crate) fn layout(self) -> Rows {
        self.rows
    }
    /// A row's bytes of picture; `None` below the last.
    pub fn get(self, row: usize) -> Option<&'f [u8]> {
        let offset = self.rows.offset(row)?;
        // SAFETY: who made `self` has checked that each row lies in one buffer of a frame that is borrowed for 'f, and whose writing needs `&mut`.
        // The bytes are a picture's: zeroed by us, or a decoder's.
        Some(unsafe { slice::from_raw_parts(self.first.as_ptr().add(offset), self.rows.row) })
    }
    /// The rows, top to bottom.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = &'f [u8]> + ExactSizeIterator {
        (0..self.rows.rows).map(move |row| self.get(row).unwrap_or_default())
    }
    /// How many there are.
    pub fn len(self) -> usize {
        self.rows.rows
    }
    /// Whether there are none: the format has no such plane.
    pub fn is_empty(self) -> bool {
        self.rows.rows == 0
    }
}

impl<'f> HostRowsMut<'f> {
    pub(crate) fn layout(&self) -> Rows {
        self.rows
    }
    /// A row's bytes of picture; `None` below the last.
    pub fn get_mut(&mut self, row: usize) -> Option<&mut [u8]> {
        let offset = self.rows.offset(row)?;
        // SAFETY: as in HostRows::get; the frame has no other reference and is borrowed mutably for 'f, and so is `self` for this one row.
        Some(unsafe { slice::from_raw_parts_mut(self.first.as_ptr().add(offset), self.rows.row) })
    }
    /// The rows, top to bottom.
    pub fn into_iter_mut(self) -> impl DoubleEndedIterator<Item = &'f mut [u8]> + ExactSizeIterator {
        let HostRowsMut { first, rows, .. } = self;
        (0..rows.rows).map(move |row| {
            let offset = rows.offset(row).unwrap_or(0);
            // SAFETY: as in get_mut. No two rows share a byte, for a row is no longer than the pitch; each is given out once, and `self` is used up.
            unsafe { slice::from_raw_parts_mut(first.as_ptr().add(offset), rows.row) }
        })
    }
}

impl RawFrame {
    /// The rows of one plane of host memory; none when there is no such plane, or its rows run beyond its buffer.
    pub(crate) fn host_rows(&self, index: usize) -> HostRows<'_> {
        match self.checked_rows(index) {
            Some((first, rows)) => HostRows { first, rows, frame: PhantomData },
            None => HostRows::none(),
        }
    }
    /// The same for writing; nobody else may refer to the picture (av_frame_is_writable).
    pub(crate) fn host_rows_mut(&mut self, index: usize) -> Option<HostRowsMut<'_>> {
        // SAFETY: the frame is live and only read.
        if unsafe { ffi::av_frame_is_writable(self.as_ptr()) } <= 0 {
            return None;
        }
        let (first, rows) = self.checked_rows(index)?;
        Some(HostRowsMut { first, rows, frame: PhantomData })
    }
    /// The lowest address of a plane's rows and how they follow each other, checked against the plane's buffer: a negative
    /// linesize runs upwards, and cropping has moved the pointers.
    fn checked_rows(&self, index: usize) -> Option<(NonNull<u8>, Rows)> {
        let (start, rows) = self.told_rows(index)?;
        let below = if rows.bottom_up { rows.pitch.checked_mul(rows.rows - 1)? } else { 0 };
        let first = start.checked_sub(below)?;
        let end = first.checked_add(rows.length())?;
        let buffer = self.get().buf.iter().take_while(|buffer| !buffer.is_null()).find_map(|buffer| {
            // SAFETY: the non-null entries of `buf` are live references of the frame's.
            let buffer = unsafe { &**buffer };
            let range = buffer.data as usize..buffer.data as usize + buffer.size;
            (range.contains(&first) && end <= range.end).then(|| (buffer.data, first - range.start))
        });
        let (base, offset) = buffer?;
        Some((NonNull::new(base.wrapping_add(offset))?, rows))
    }
    /// The address of a plane's first row and how the rows follow each other, as the frame of host memory has it.
    pub(in crate::raw) fn told_rows(&self, index: usize) -> Option<(usize, Rows)> {
        if self.kind() != Some(Kind::System) {
            return None;
        }
        let frame = self.get();
        let planes = ffi::pixel::planes(ffi::AVPixelFormat(frame.format), frame.width, frame.height);
        let &(row, count) = planes.get(index)?;
        let linesize = *frame.linesize.get(index)?;
        let pitch = usize::try_from(linesize.unsigned_abs()).ok()?;
        let rows = Rows { pitch, row, rows: count, bottom_up: linesize < 0 };
        let start = *frame.data.get(index)? as usize;
        (start != 0 && count != 0 && row <= pitch).then_some((start, rows))
    }
    /// Whether a plane's rows run upwards in memory. A picture has four planes at most.
    #[inline]
    pub(crate) fn is_bottom_up(&self) -> bool {
        let [a, b, c, d, ..] = self.get().linesize;
        (a | b | c | d) < 0
    }
    /// A copy in host memory of its own, top to bottom, with the same times and properties. Between its rows are zeros.
    pub(crate) fn copied(&self) -> crate::error::Result<RawFrame> {
        let mut copy = RawFrame::system(self.format())?;
        for index in 0.. {
            let from = self.host_rows(index);
            let Some(to) = copy.host_rows_mut(index) else { break };
            if from.layout().rows != to.layout().rows || from.layout().row != to.layout().row {
                return Err(crate::error::Error::new(crate::error::ErrorKind::InvalidData, "copy")
                    .detail(format!("plane {index} of the picture runs beyond its memory")));
            }
            to.into_iter_mut().zip(from.iter()).for_each(|(to, from)| to.copy_from_slice(from));
        }
        copy.copy_properties(self)?;
        Ok(copy)
    }
}

static_assertions::assert_impl_all!(HostRows<'static>: Send, Sync, Copy);
static_assertions::assert_impl_all!(HostRowsMut<'static>: Send, Sync);
static_assertions::assert_not_impl_any!(HostRowsMut<'static>: Clone);
