//! AVBufferRef: a counted reference to a device, a pool or a block of memory.

use crate::ffi;
use crate::{error::Result, raw::out_of_memory};
use std::ptr::NonNull;

/// One reference, given back in `Drop`.
pub struct BufferRef(NonNull<ffi::AVBufferRef>);

// SAFETY: the count inside is atomic (libavutil/buffer.c), and what devices and pools hold is not changed after their init.
unsafe impl Send for BufferRef {}
// SAFETY: as above; through `&BufferRef` there is only counting and reading.
unsafe impl Sync for BufferRef {}

impl BufferRef {
    /// Takes over a reference.
    ///
    /// # Safety
    /// `reference` is null or a reference that the caller owns and gives up.
    pub(in crate::raw) unsafe fn from_owned(operation: &'static str, reference: *mut ffi::AVBufferRef) -> Result<Self> {
        NonNull::new(reference).map(BufferRef).ok_or_else(|| out_of_memory(operation))
    }
    /// Another reference to what a borrowed pointer refers to.
    ///
    /// # Safety
    /// `reference` is null or a live reference.
    pub(in crate::raw) unsafe fn from_borrowed(reference: *const ffi::AVBufferRef) -> Option<Self> {
        if reference.is_null() {
            return None;
        }
        // SAFETY: it is live, by the caller's word.
        NonNull::new(unsafe { ffi::av_buffer_ref(reference.cast_mut()) }).map(BufferRef)
    }
    /// Another reference to the same.
    pub(crate) fn try_clone(&self) -> Result<Self> {
        // SAFETY: self holds a live reference; av_buffer_ref only counts.
        unsafe { Self::from_owned("av_buffer_ref", ffi::av_buffer_ref(self.as_ptr())) }
    }
    pub(in crate::raw) fn as_ptr(&self) -> *mut ffi::AVBufferRef {
        self.0.as_ptr()
    }
    pub(in crate::raw) fn into_raw(self) -> *mut ffi::AVBufferRef {
        let reference = self.as_ptr();
        std::mem::forget(self);
        reference
    }
    /// Where the data lies: what tells one device or pool from another.
    pub(in crate::raw) fn data(&self) -> *mut u8 {
        // SAFETY: self holds a live reference, whose data pointer is never changed.
        unsafe { (*self.as_ptr()).data }
    }
    /// References to the same, this one included (av_buffer_get_ref_count).
    pub(crate) fn count(&self) -> usize {
        // SAFETY: self holds a live reference; the count is read atomically.
        usize::try_from(unsafe { ffi::av_buffer_get_ref_count(self.as_ptr()) }).unwrap_or(0)
    }
    /// Whether both refer to the same.
    pub(crate) fn same(&self, other: &BufferRef) -> bool {
        self.data() == other.data()
    }
}

impl Drop for BufferRef {
    fn drop(&mut self) {
        let mut reference = self.as_ptr();
        // SAFETY: this is the reference that self owns.
        unsafe { ffi::av_buffer_unref(&mut reference) }
    }
}

static_assertions::assert_impl_all!(BufferRef: Send, Sync);
static_assertions::assert_not_impl_any!(BufferRef: Clone);
