//! What was written to one track.

use std::fmt;

/// What was written to one track.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackReport {
    /// FFmpeg's name of its codec: `h264`.
    pub codec: &'static str,
    /// Packets that FFmpeg took.
    pub packets: u64,
    /// Packets of a copied stream whose times were changed: their decoding time did not follow the packet before, or
    /// was after their presentation time.
    pub mended: u64,
}

impl fmt::Display for TrackReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} packets", self.codec, self.packets)?;
        match self.mended {
            0 => Ok(()),
            count => write!(f, ", the times of {count} mended"),
        }
    }
}
