//! What a file is to be: the container and its tracks, before anything is written.

use crate::{
    error::{Error, ErrorKind, Result},
    ffi,
    raw::{
        CodecContext,
        avcodec::parameters::Parameters,
        avformat::{stream::StreamInfo, url::Url},
        avutil::picture::{Picture, SideData},
        check, strings,
    },
    types::{facts::Origin, time::Ratio},
};
use std::{
    ffi::{CStr, CString},
    ptr::{self, NonNull},
    sync::Arc,
};

/// A container format (AVOutputFormat).
#[derive(Clone, Copy)]
pub(crate) struct Container(NonNull<ffi::AVOutputFormat>);

// SAFETY: it is one of FFmpeg's static, constant descriptions.
unsafe impl Send for Container {}

impl Container {
    /// The container that the name's extension stands for (av_guess_format).
    pub(crate) fn of(url: &Url) -> Result<Self> {
        // SAFETY: a terminated string; the result is null or static.
        let found = unsafe { ffi::av_guess_format(ptr::null(), url.as_c_str().as_ptr(), ptr::null()) };
        NonNull::new(found.cast_mut()).map(Container).ok_or_else(|| {
            let problem = match url.extension() {
                Some(extension) => format!("FFmpeg knows no container by the extension .{extension}"),
                None => "the name has no extension to tell the container by".into(),
            };
            let detail =
                format!("{problem}: use .mp4, .mkv, .mov, .webm, .ts or .avi, or .h264 or .hevc for a bare stream");
            url.error(ErrorKind::Unsupported, "av_guess_format", &detail)
        })
    }
    /// The container of that name.
    pub(crate) fn named(name: &str) -> Result<Self> {
        crate::raw::enter()?;
        let wanted = crate::raw::c_string("format", name)?;
        // SAFETY: a terminated string; the result is null or static.
        let found = unsafe { ffi::av_guess_format(wanted.as_ptr(), ptr::null(), ptr::null()) };
        let container = NonNull::new(found.cast_mut()).map(Container).ok_or_else(|| {
            let detail = format!("this FFmpeg writes no format `{name}`: `ffmpeg -muxers` lists those that it writes");
            Error::new(ErrorKind::Unsupported, "av_guess_format").detail(detail)
        })?;
        strings::refuse_threads(container.name())?;
        Ok(container)
    }
    /// Whether it is one of those that FFmpeg can write in fragments: its muxers for ISO files.
    pub(crate) fn has_fragments(self) -> bool {
        ["mp4", "mov", "ismv", "3gp", "3g2", "ipod", "psp", "f4v"].contains(&self.name())
    }
    pub(super) fn get(&self) -> &'static ffi::AVOutputFormat {
        // SAFETY: it is static.
        unsafe { self.0.as_ref() }
    }
    fn has(self, flag: i32) -> bool {
        self.get().flags & flag != 0
    }
    /// FFmpeg's name of it.
    pub(crate) fn name(self) -> &'static str {
        // SAFETY: a format's name is a static terminated string.
        unsafe { CStr::from_ptr(self.get().name) }.to_str().unwrap_or("container")
    }
    /// Whether it keeps parameter sets in a header of its own, so that packets go without.
    pub(crate) fn has_global_header(self) -> bool {
        self.has(ffi::AVFMT_GLOBALHEADER)
    }
    /// Whether packets have times in it.
    pub(super) fn has_times(self) -> bool {
        !self.has(ffi::AVFMT_NOTIMESTAMPS)
    }
    /// Whether packets may follow each other at the same decoding time.
    pub(super) fn allows_equal_times(self) -> bool {
        self.has(ffi::AVFMT_TS_NONSTRICT)
    }
    /// Whether it opens its files itself.
    pub(crate) fn opens_files(self) -> bool {
        self.has(ffi::AVFMT_NOFILE)
    }
    /// A file of nothing but one stream's packets.
    fn is_bare(self) -> bool {
        !self.has_times() && self.get().codec_tag.is_null()
    }
    /// Refuses what it cannot hold (avformat_query_codec), which some containers would write all the same.
    pub(crate) fn check(self, track: &TrackSetup, tracks: usize) -> Result<()> {
        let (format, codec) = (self.get(), track.parameters.codec_id());
        strings::refuse_pointers(codec, "avformat_query_codec")?;
        let refuse = |detail| Err(Error::new(ErrorKind::Unsupported, "avformat_query_codec").detail(detail));
        // SAFETY: the format is static; any id may be asked for.
        let answer = unsafe { ffi::avformat_query_codec(format, codec, ffi::FF_COMPLIANCE_NORMAL) };
        let is_default = [format.video_codec, format.audio_codec, format.subtitle_codec].contains(&codec);
        if answer == 0 || (self.is_bare() && !is_default) {
            let codec = track.parameters.codec_name();
            return refuse(format!(
                "the container {} cannot hold {codec}: choose another by the extension",
                self.name()
            ));
        }
        if self.is_bare() && tracks > 0 {
            return refuse(format!("a bare {} stream is one track: use .mkv, .mp4 or .ts for more", self.name()));
        }
        super::limits::check_track(self, track)
    }
    /// The tag by which the input knew the codec, if this container knows it by the same.
    fn tag(self, parameters: &Parameters) -> u32 {
        let tag = parameters.get().codec_tag;
        let tags = self.get().codec_tag;
        // SAFETY: the list is the format's own, static, and ends with null.
        let known = !tags.is_null() && unsafe { ffi::av_codec_get_id(tags, tag) } == parameters.codec_id();
        if known { tag } else { 0 }
    }
}

/// The stream that a line of FFmpeg's log is about: "in stream #1", "for stream 0", "track 2".
fn stream_number(line: &str) -> Option<usize> {
    let words = line.to_ascii_lowercase();
    ["stream ", "track "].iter().find_map(|word| {
        let after = words.split(word).nth(1)?.trim_start_matches('#');
        after[..after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len())].parse().ok()
    })
}

/// What a track is to be.
#[derive(Clone)]
pub(crate) struct TrackSetup {
    /// Of its packets.
    pub(super) origin: Origin,
    pub(super) parameters: Arc<Parameters>,
    time_base: Ratio,
    pub(super) frame_rate: Ratio,
    sample_aspect_ratio: Ratio,
    side_data: Vec<SideData>,
    disposition: i32,
    language: Option<CString>,
    encoded: bool,
}

impl TrackSetup {
    /// The packets of an open encoder.
    pub(crate) fn encoded(
        encoder: &CodecContext,
        origin: Origin,
        time_base: Ratio,
        frame_rate: Ratio,
        picture: &Picture,
    ) -> Result<Self> {
        Ok(TrackSetup {
            origin,
            parameters: Arc::new(Parameters::of_encoder(encoder)?),
            time_base,
            frame_rate,
            sample_aspect_ratio: picture.sample_aspect_ratio,
            side_data: picture.side_data.clone(),
            disposition: 0,
            language: None,
            encoded: true,
        })
    }
    /// The packets of an input's stream.
    pub(crate) fn copied(stream: &StreamInfo) -> Result<Self> {
        if let Some(unknown) = stream.parameters.unknown_of_sound() {
            let detail = format!(
                "stream {} ({}): the input does not tell its {}, without which it cannot be copied: leave this stream out",
                stream.index,
                stream.parameters.codec_name(),
                unknown.replace('_', " ")
            );
            return Err(Error::new(ErrorKind::InvalidSetting { name: unknown.into() }, "add_copy").detail(detail));
        }
        Ok(TrackSetup {
            origin: stream.origin,
            parameters: Arc::clone(&stream.parameters),
            time_base: stream.time_base,
            frame_rate: stream.frame_rate,
            sample_aspect_ratio: stream.sample_aspect_ratio,
            side_data: Vec::new(),
            disposition: stream.disposition,
            language: stream.language.clone(),
            encoded: false,
        })
    }
    /// For an error that FFmpeg's log has told of this track by its number: the track and what was said.
    pub(super) fn blamed(tracks: &[TrackSetup], error: Error) -> Error {
        let told = error.log().iter().rev().find_map(|line| Some((stream_number(line)?, line.clone())));
        match told.and_then(|(index, line)| Some((index, tracks.get(index)?, line))) {
            Some((index, track, line)) if error.explanation().is_none() => {
                error.detail(format!("track {index} ({}): {line}", track.parameters.codec_name()))
            }
            _ => error,
        }
    }
    pub(super) fn is_encoded(&self) -> bool {
        self.encoded
    }
    /// An encoder's parameter sets are to stand in the packets: the container has no place for them.
    pub(super) fn needs_headers(&self, container: Container) -> bool {
        self.encoded && !container.has_global_header() && self.parameters.has_start_codes()
    }
    /// Makes a new stream what this says.
    pub(super) fn write_to(&self, stream: &mut ffi::AVStream, container: Container) -> Result<()> {
        self.parameters.write_to(stream)?;
        // The container may choose another, and keeps this one if it can.
        stream.time_base = self.time_base.ffmpeg();
        if self.frame_rate.is_known() {
            stream.avg_frame_rate = self.frame_rate.ffmpeg();
        }
        stream.disposition = self.disposition;
        let tag = container.tag(&self.parameters);
        // SAFETY: avformat gives each stream its codecpar, and the stream is borrowed mutably.
        let parameters = unsafe { &mut *stream.codecpar };
        parameters.codec_tag = tag;
        if self.sample_aspect_ratio.is_known() {
            // FFmpeg refuses a stream whose two ratios differ.
            stream.sample_aspect_ratio = self.sample_aspect_ratio.ffmpeg();
            parameters.sample_aspect_ratio = stream.sample_aspect_ratio;
        } else {
            stream.sample_aspect_ratio = parameters.sample_aspect_ratio;
        }
        if matches!(parameters.codec_id, ffi::AV_CODEC_ID_MP3 | ffi::AV_CODEC_ID_AC3) {
            // Input files say a fixed size here, which these packets do not have.
            parameters.block_align = 0;
        }
        for side_data in &self.side_data {
            if !side_data.add_to(stream) {
                return Err(crate::raw::out_of_memory("side data"));
            }
        }
        if let Some(language) = &self.language {
            let (key, value) = (c"language".as_ptr(), language.as_ptr());
            // SAFETY: the dictionary is the stream's own; key and value are terminated and copied.
            check("av_dict_set", || unsafe { ffi::av_dict_set(&mut stream.metadata, key, value, 0) })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TimeBase, error::line::Line};

    #[test]
    fn the_track_that_ffmpegs_log_is_about_is_named() {
        let tracks = ["h264", "hevc"].map(|codec| {
            let parameters = Parameters::of_codec(codec).unwrap();
            TrackSetup::copied(&StreamInfo::of_parameters(parameters, TimeBase::hz(25).ratio())).unwrap()
        });
        let blamed = |text: &str| {
            let line = Line { level: log::Level::Error, class: "mp4".into(), text: text.into() };
            let error = crate::raw::ffmpeg_error("avformat_write_header", ffi::AVERROR_EINVAL, vec![line]);
            TrackSetup::blamed(&tracks, error).explanation().map(str::to_string)
        };
        let told = blamed("Could not find tag for codec hevc in stream #1, codec not currently supported").unwrap();
        assert!(told.starts_with("track 1 (hevc): ") && told.contains("Could not find tag"), "{told}");
        assert!(blamed("Stream 0 is too large").unwrap().starts_with("track 0 (h264)"));
        assert_eq!(
            [blamed("stream 2 is not there"), blamed("sample rate not set"), blamed("a stream of none")],
            [None, None, None]
        );
    }
}
