//! FFmpeg's arithmetic on ratios.

use super::bindings as ffi;

/// Ticks of one time base in ticks of another, rounded to the nearest (av_rescale_q). The denominators are not 0.
pub(crate) fn rescale(ticks: i64, from: ffi::AVRational, to: ffi::AVRational) -> i64 {
    // SAFETY: plain arithmetic on values.
    unsafe { ffi::av_rescale_q(ticks, from, to) }
}
