//! Device memory that the host reads without a frame of its own.

pub use crate::raw::avutil::map::MappedRows;
use crate::{
    Error, ErrorKind, Format, Frame, Plane, Result, System,
    raw::{RawFrame, Scope},
};
use std::fmt;

/// A picture in device memory that the host reads ([`Frame::map`]). It may be written meanwhile, by the device or by whoever else has the buffer
/// that it was imported from, so its rows are copied out and no reference to them is given; where nobody writes,
/// [`row_in_place`](Mapped::row_in_place) reads them where they are.
#[must_use]
pub struct Mapped<'d> {
    pub(crate) raw: RawFrame,
    _scope: Scope<'d, System>,
}

impl Mapped<'_> {
    pub(crate) fn new(raw: RawFrame) -> Self {
        Mapped { raw, _scope: Scope::new() }
    }
    /// The visible size and the layout of the pixels, which may be another than the device's.
    pub fn format(&self) -> Format {
        self.raw.format()
    }
    /// Presentation time, in ticks of the frame's [`time_base`](Frame::time_base).
    pub fn pts(&self) -> Option<i64> {
        self.raw.pts()
    }
    /// One plane's rows, to copy. Without rows if the format has no such plane.
    pub fn plane(&self, index: usize) -> Option<Plane<'_, MappedRows<'_>>> {
        let rows = self.raw.mapped_rows(index)?;
        Some(Plane::new(rows, rows.layout()))
    }
    /// A copy in host memory, with its times and properties.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub fn to_frame(&self) -> Result<Frame<'static, System>> {
        let mut copy = RawFrame::system(self.format())?;
        for index in 0.. {
            let Some(to) = copy.host_rows_mut(index) else { break };
            let from = self.raw.mapped_rows(index);
            if !to.into_iter_mut().enumerate().all(|(row, to)| from.is_some_and(|from| from.copy(row, to))) {
                return Err(Error::new(ErrorKind::WrongFormat, "to_frame")
                    .detail("the mapping has other rows than its format asks"));
            }
        }
        copy.copy_properties(&self.raw)?;
        Ok(Frame::from_raw(copy))
    }
}

impl fmt::Debug for Mapped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapped").field("format", &self.format()).field("pts", &self.pts()).finish()
    }
}

static_assertions::assert_impl_all!(Mapped<'static>: Send, Sync);
static_assertions::assert_not_impl_any!(Mapped<'static>: Clone);
