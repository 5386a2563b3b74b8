//! av_hwframe_map: device memory that the host reads in place.

use crate::{
    error::{ErrorKind, Result},
    ffi,
    raw::{RawFrame, avutil::rows::Rows, check, recycle::Reusable},
    types::mapping::Mapping,
};
use std::{marker::PhantomData, ptr, slice};

impl RawFrame {
    /// A frame of host memory whose rows are the picture's own, or a copy that the driver keeps for as long as the frame lives. It
    /// refers to the device's frame, and is read only: other mappings may give the same addresses.
    pub(crate) fn mapped(&self, mapping: Mapping) -> Result<RawFrame> {
        let mut mapped: RawFrame = Reusable::new()?;
        let direct = if mapping == Mapping::Direct { ffi::AV_HWFRAME_MAP_DIRECT } else { 0 };
        let flags = (ffi::AV_HWFRAME_MAP_READ | direct) as i32;
        mapped.get_mut().format = match (mapping, self.pool()) {
            (Mapping::Copy, Some(pool)) => pool.host_pixels().ffmpeg().0,
            _ => self.format().pixels.ffmpeg().0,
        };
        let (target, source) = (mapped.as_ptr(), self.as_ptr());
        // SAFETY: the source is live and only read, the target empty and ours. On success the target holds a reference to the source.
        check("av_hwframe_map", || unsafe { ffi::av_hwframe_map(target, source, flags) }).map_err(|error| {
            // ENOSYS and EINVAL are FFmpeg's answers when nothing was tried: they come with no line in the log.
            match (error.kind(), mapping) {
                (ErrorKind::Unsupported, _) => error.detail("this memory cannot be mapped for the host: use download"),
                (ErrorKind::InvalidSetting { .. } | ErrorKind::Other, Mapping::Direct) if error.log().is_empty() => {
                    error
                        .with_kind(ErrorKind::Unsupported)
                        .detail("the driver cannot show the host this memory itself: use Mapping::Copy")
                }
                _ => error,
            }
        })?;
        *mapped.facts_mut() = self.facts();
        Ok(mapped)
    }
    /// The rows of a mapping's plane, if it has that one.
    pub(crate) fn mapped_rows(&self, index: usize) -> Option<MappedRows<'_>> {
        let (first, rows) = self.told_rows(index)?;
        (!rows.bottom_up).then_some(MappedRows { first: first as *const u8, rows, frame: PhantomData })
    }
}

/// Rows of memory that somebody else may write while it is mapped: another process, the device. No reference to it is made.
#[derive(Clone, Copy, Debug)]
pub struct MappedRows<'f> {
    first: *const u8,
    rows: Rows,
    frame: PhantomData<&'f ()>,
}

// SAFETY: the mapping can be read from any thread, and is there for 'f.
unsafe impl Send for MappedRows<'_> {}
// SAFETY: as above.
unsafe impl Sync for MappedRows<'_> {}

impl MappedRows<'_> {
    pub(crate) fn layout(self) -> Rows {
        self.rows
    }
    /// Copies a row's bytes of picture; `false` if there is no such row, or it is not `to.len()` bytes long.
    pub fn copy(self, row: usize, to: &mut [u8]) -> bool {
        let Some(offset) = self.rows.offset(row).filter(|_| to.len() == self.rows.row) else { return false };
        // SAFETY: av_hwframe_map gave this address for rows that follow each other so, for as long as the frame lives, which is borrowed. `to` is
        // the caller's own memory. Somebody may write the source meanwhile: no reference to it is made.
        unsafe { ptr::copy_nonoverlapping(self.first.add(offset), to.as_mut_ptr(), to.len()) };
        true
    }
}

impl<'f> MappedRows<'f> {
    /// A row of the mapping itself; `None` if there is no such row.
    ///
    /// # Safety
    /// Nobody writes the row while the result lives.
    pub(crate) unsafe fn in_place(self, row: usize) -> Option<&'f [u8]> {
        let offset = self.rows.offset(row)?;
        // SAFETY: as in `copy`; that nobody writes it is the caller's word.
        Some(unsafe { slice::from_raw_parts(self.first.add(offset), self.rows.row) })
    }
}
