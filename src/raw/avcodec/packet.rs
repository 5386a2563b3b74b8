//! AVPacket: compressed data with its times.

use crate::ffi;
use crate::{
    error::Result,
    raw::{check, recycle::Reusable},
    types::time::Ratio,
};
use std::slice;

/// An owned AVPacket.
pub(crate) type RawPacket = Reusable<ffi::AVPacket>;

impl RawPacket {
    /// The compressed bytes.
    pub(crate) fn data(&self) -> &[u8] {
        let packet = self.get();
        if packet.data.is_null() {
            return &[];
        }
        // SAFETY: FFmpeg keeps `size` bytes at a packet's data pointer; the packet is borrowed, and writing needs `&mut`.
        unsafe { slice::from_raw_parts(packet.data, usize::try_from(packet.size).unwrap_or(0)) }
    }
    pub(crate) fn pts(&self) -> Option<i64> {
        (self.get().pts != ffi::AV_NOPTS_VALUE).then_some(self.get().pts)
    }
    pub(crate) fn dts(&self) -> Option<i64> {
        (self.get().dts != ffi::AV_NOPTS_VALUE).then_some(self.get().dts)
    }
    pub(crate) fn set_pts(&mut self, pts: i64) {
        self.get_mut().pts = pts;
    }
    pub(crate) fn set_key(&mut self, is_key: bool) {
        let flags = self.get().flags & !ffi::AV_PKT_FLAG_KEY;
        self.get_mut().flags = flags | if is_key { ffi::AV_PKT_FLAG_KEY } else { 0 };
    }
    pub(crate) fn set_dts(&mut self, dts: i64) {
        self.get_mut().dts = dts;
    }
    pub(crate) fn duration(&self) -> i64 {
        self.get().duration
    }
    pub(crate) fn set_duration(&mut self, ticks: i64) {
        self.get_mut().duration = ticks;
    }
    pub(crate) fn is_keyframe(&self) -> bool {
        self.get().flags & ffi::AV_PKT_FLAG_KEY != 0
    }
    /// Whether its demuxer found that some of it is missing.
    #[inline]
    pub(crate) fn is_corrupt(&self) -> bool {
        self.get().flags & ffi::AV_PKT_FLAG_CORRUPT != 0
    }
    pub(crate) fn stream_index(&self) -> usize {
        usize::try_from(self.get().stream_index).unwrap_or(0)
    }
    pub(crate) fn set_stream_index(&mut self, index: usize) {
        self.get_mut().stream_index = i32::try_from(index).unwrap_or(i32::MAX);
    }
    /// Rescales its times to another time base (av_packet_rescale_ts), if it knows its own.
    pub(crate) fn rescale(&mut self, to: Ratio) {
        let from = self.facts().time_base;
        if from.is_known() && to.is_known() && from != to {
            // SAFETY: the packet is live and borrowed mutably.
            unsafe { ffi::av_packet_rescale_ts(self.as_ptr(), from.ffmpeg(), to.ffmpeg()) }
        }
        self.facts_mut().time_base = to;
    }
    /// Another reference to the same data (av_packet_ref).
    pub(crate) fn try_clone(&self) -> Result<Self> {
        let mut copy = self.sibling()?;
        let (to, from) = (copy.as_ptr(), self.as_ptr());
        // SAFETY: `copy` is empty and ours; `self` is live and only read.
        check("av_packet_ref", || unsafe { ffi::av_packet_ref(to, from) })?;
        *copy.facts_mut() = self.facts();
        Ok(copy)
    }
    /// A packet with a copy of these bytes.
    pub(crate) fn copy_of(data: &[u8]) -> Result<Self> {
        let mut packet = Self::new()?;
        packet.prepend(data)?;
        Ok(packet)
    }
    /// Puts bytes before its own.
    pub(crate) fn prepend(&mut self, bytes: &[u8]) -> Result<()> {
        let old = self.get().size;
        let Ok(more) = i32::try_from(bytes.len()) else { return Err(crate::raw::out_of_memory("av_grow_packet")) };
        let packet = self.as_ptr();
        // SAFETY: the packet is live and ours, and av_grow_packet makes its data writable (it copies what is shared).
        check("av_grow_packet", || unsafe { ffi::av_grow_packet(packet, more) })?;
        let start = self.get().data;
        // SAFETY: the data now holds `old + more` bytes that nobody else refers to; the two moves stay within them.
        unsafe {
            std::ptr::copy(start, start.add(bytes.len()), usize::try_from(old).unwrap_or(0));
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), start, bytes.len());
        }
        #[cfg(all(avsluice_canaries, target_os = "linux"))]
        crate::raw::canary::guard_packet(self.get_mut())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prepending_keeps_both() {
        let mut packet = RawPacket::copy_of(b"slice").unwrap();
        packet.prepend(b"headers ").unwrap();
        assert_eq!(packet.data(), b"headers slice");
    }

    #[test]
    fn a_shared_packet_is_the_same_data_until_one_is_changed() {
        let packet = RawPacket::copy_of(b"slice").unwrap();
        let mut other = packet.try_clone().unwrap();
        assert_eq!(packet.data().as_ptr(), other.data().as_ptr());
        other.prepend(b"headers ").unwrap();
        assert_eq!((packet.data(), other.data()), (&b"slice"[..], &b"headers slice"[..]));
    }

    #[test]
    fn times_follow_the_time_base() {
        let mut packet = RawPacket::copy_of(b"x").unwrap();
        packet.get_mut().pts = 25;
        packet.facts_mut().time_base = Ratio { num: 1, den: 25 };
        packet.rescale(Ratio { num: 1, den: 1000 });
        assert_eq!(packet.pts(), Some(1000));
    }
}
