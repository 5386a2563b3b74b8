//! What was written to an output.

use super::Track;
use crate::types::track_report::TrackReport;
use std::fmt;

/// What was written to an output, told by [`finish`](super::Muxer::finish).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MuxReport {
    /// One for each track, in the order in which they were added.
    pub tracks: Vec<TrackReport>,
    muxer: u64,
}

impl MuxReport {
    pub(super) fn new(muxer: u64, tracks: Vec<TrackReport>) -> Self {
        MuxReport { tracks, muxer }
    }
    /// That of one track; `None` if it is another muxer's.
    pub fn track(&self, track: Track) -> Option<&TrackReport> {
        self.tracks.get(track.index).filter(|_| track.muxer == self.muxer)
    }
    /// Packets whose times were changed, in all tracks.
    pub fn mended(&self) -> u64 {
        self.tracks.iter().map(|track| track.mended).sum()
    }
}

impl fmt::Display for MuxReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tracks.iter().enumerate().try_for_each(|(index, track)| {
            let before = if index == 0 { "" } else { "; " };
            write!(f, "{before}track {index} ({track})")
        })
    }
}

static_assertions::assert_impl_all!(MuxReport: Send, Sync);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_aloud() {
        let track = |codec, packets, mended| TrackReport { codec, packets, mended };
        let report = MuxReport::new(7, vec![track("h264", 250, 0), track("aac", 94, 3)]);
        assert_eq!(report.to_string(), "track 0 (h264: 250 packets); track 1 (aac: 94 packets, the times of 3 mended)");
        assert_eq!((report.mended(), report.track(Track { muxer: 7, index: 1 }).unwrap().packets), (3, 94));
        assert_eq!(report.track(Track { muxer: 8, index: 1 }), None);
    }
}
