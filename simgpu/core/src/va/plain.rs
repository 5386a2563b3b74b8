//! Reading the interface's structs out of bytes.

use super::layout::{PackedHeader, RateControl};
use super::layout_h264::{EncPicture, EncSequence, EncSlice, IqMatrix, PictureParameters, SliceParameters};

/// A struct of integers, of which all bits mean something.
///
/// # Safety
/// Every pattern of bits is a value.
pub unsafe trait Plain: Copy {}

macro_rules! plain {
    ($($name:ident)*) => {
        $(
            // SAFETY: it has fields of integers and of such structs alone.
            unsafe impl Plain for $name {}
        )*
    };
}
plain! { PackedHeader RateControl EncPicture EncSequence EncSlice IqMatrix PictureParameters SliceParameters }

/// The struct that the bytes begin with, if there are enough.
pub fn read<T: Plain>(bytes: &[u8]) -> Option<T> {
    // SAFETY: the bytes are as many as the struct has, and every pattern of them is one; no alignment is asked for.
    (bytes.len() >= size_of::<T>()).then(|| unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

/// The structs that elements of this size begin with.
pub fn read_all<T: Plain>(bytes: &[u8], element: usize) -> Vec<T> {
    bytes.chunks_exact(element.max(1)).filter_map(read).collect()
}
