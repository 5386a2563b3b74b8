//! What a file says of one of its streams.

use crate::ffi;
use crate::{
    error::Result,
    raw::{avcodec::parameters::Parameters, recycle::Reusable},
    types::{facts::Origin, time::Ratio},
};
use std::{
    ffi::{CStr, CString},
    sync::Arc,
};

/// What an input file says of one of its streams.
#[derive(Clone)]
pub(crate) struct StreamInfo {
    /// What its packets have too: a copy of this with other settings keeps it.
    pub(crate) origin: Origin,
    pub(crate) index: usize,
    pub(crate) parameters: Arc<Parameters>,
    pub(crate) time_base: Ratio,
    /// 0/0 when not known.
    pub(crate) frame_rate: Ratio,
    pub(crate) sample_aspect_ratio: Ratio,
    /// In ticks of the time base.
    pub(crate) duration: Option<i64>,
    pub(crate) frames: Option<u64>,
    pub(crate) disposition: i32,
    pub(crate) language: Option<CString>,
}

impl StreamInfo {
    /// A stream that is in no file.
    pub(crate) fn of_parameters(parameters: Parameters, time_base: Ratio) -> Self {
        StreamInfo {
            origin: Origin::application(parameters.codec_id()),
            index: 0,
            parameters: Arc::new(parameters),
            time_base,
            frame_rate: Ratio::default(),
            sample_aspect_ratio: Ratio::default(),
            duration: None,
            frames: None,
            disposition: 0,
            language: None,
        }
    }
    /// # Safety
    /// The stream is one of a live AVFormatContext's.
    pub(in crate::raw) unsafe fn of(stream: &ffi::AVStream, file_duration: Option<i64>) -> Result<Self> {
        // SAFETY: the caller's word.
        let parameters = unsafe { Parameters::of_stream(stream) }?;
        let time_base = match Ratio::from(stream.time_base) {
            known if known.is_known() => known,
            _ => ffi::AV_TIME_BASE_Q.into(),
        };
        let known = |ticks: i64| (ticks != ffi::AV_NOPTS_VALUE && ticks > 0).then_some(ticks);
        let of_file = || Some(Ratio::from(ffi::AV_TIME_BASE_Q).rescale(known(file_duration?)?, time_base));
        // SAFETY: the dictionary is the stream's own, or null; the result is null or lives as long as it.
        let language = unsafe { ffi::av_dict_get(stream.metadata, c"language".as_ptr(), std::ptr::null(), 0).as_ref() };
        let index = usize::try_from(stream.index).unwrap_or(0);
        Ok(StreamInfo {
            origin: Origin::input(parameters.codec_id(), index),
            index,
            time_base,
            frame_rate: frame_rate(stream, &parameters),
            sample_aspect_ratio: stream.sample_aspect_ratio.into(),
            duration: known(stream.duration).or_else(of_file),
            frames: u64::try_from(stream.nb_frames).ok().filter(|&count| count > 0),
            disposition: stream.disposition,
            // SAFETY: a dictionary's values are terminated strings.
            language: language.map(|entry| unsafe { CStr::from_ptr(entry.value) }.to_owned()),
            parameters: Arc::new(parameters),
        })
    }
    /// A cover picture, which is no video.
    pub(crate) fn is_attached_picture(&self) -> bool {
        self.disposition & ffi::AV_DISPOSITION_ATTACHED_PIC != 0
    }
    /// Writes what travels with a packet of this stream.
    pub(crate) fn mark(&self, packet: &mut Reusable<ffi::AVPacket>) {
        packet.facts_mut().time_base = self.time_base;
        packet.facts_mut().frame_rate = self.frame_rate;
        packet.facts_mut().origin = self.origin;
        self.repair_duration(packet.get_mut());
    }
    /// A bare stream's packets have no times, and FFmpeg works their duration out: since 7.0 as one tick after the
    /// first second or two. No picture lasts less than half a field.
    fn repair_duration(&self, packet: &mut ffi::AVPacket) {
        let no_times = packet.pts == ffi::AV_NOPTS_VALUE && packet.dts == ffi::AV_NOPTS_VALUE;
        if no_times && self.frame_rate.is_known() {
            let frame = Ratio { num: self.frame_rate.den, den: self.frame_rate.num }.rescale(1, self.time_base);
            if packet.duration < frame / 4 {
                packet.duration = frame;
            }
        }
    }
}

/// Frames per second of a video stream: measured, else the lowest rate that all its times fit, else the codec's own.
fn frame_rate(stream: &ffi::AVStream, parameters: &Parameters) -> Ratio {
    if parameters.media_type() != ffi::AVMEDIA_TYPE_VIDEO {
        return Ratio::default();
    }
    let candidates = [
        stream.avg_frame_rate,
        stream.r_frame_rate,
        #[cfg(has_codecpar_framerate)]
        parameters.get().framerate,
    ];
    candidates.into_iter().map(Ratio::from).find(|rate| rate.is_known()).unwrap_or_default()
}

static_assertions::assert_impl_all!(StreamInfo: Send, Sync);
