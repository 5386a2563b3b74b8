//! What times are counted in.

use crate::ffi;
use std::fmt;

/// Seconds per tick, as a ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeBase {
    /// Numerator, above 0.
    pub num: i32,
    /// Denominator, above 0.
    pub den: i32,
}

impl TimeBase {
    /// One tick is `1 / per_second` s.
    pub const fn hz(per_second: i32) -> Self {
        TimeBase { num: 1, den: per_second }
    }
    /// Seconds of that many ticks.
    pub fn seconds(self, ticks: i64) -> f64 {
        ticks as f64 * f64::from(self.num) / f64::from(self.den)
    }
    pub(crate) fn ratio(self) -> Ratio {
        Ratio { num: self.num, den: self.den }
    }
    pub(crate) fn from_ratio(ratio: Ratio) -> Option<Self> {
        ratio.is_known().then_some(TimeBase { num: ratio.num, den: ratio.den })
    }
}

impl fmt::Display for TimeBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

/// A ratio as FFmpeg has it, 0/0 for "unknown".
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub(crate) struct Ratio {
    pub(crate) num: i32,
    pub(crate) den: i32,
}

impl Ratio {
    #[inline]
    pub(crate) fn is_known(self) -> bool {
        self.num > 0 && self.den > 0
    }
    /// A time in ticks of self, in ticks of another time base (av_rescale_q).
    pub(crate) fn rescale(self, ticks: i64, to: Ratio) -> i64 {
        if !self.is_known() || !to.is_known() {
            return ticks;
        }
        ffi::rational::rescale(ticks, self.ffmpeg(), to.ffmpeg())
    }
    pub(crate) fn ffmpeg(self) -> ffi::AVRational {
        ffi::AVRational { num: self.num, den: self.den }
    }
}

impl From<ffi::AVRational> for Ratio {
    fn from(r: ffi::AVRational) -> Self {
        Ratio { num: r.num, den: r.den }
    }
}
