//! What an encoder is held to: the formats that it lists, what it was configured with, and an end that comes.

use super::CodecContext;
use crate::{
    error::{Error, ErrorKind, Result},
    ffi,
    raw::{BufferRef, RawFrame, avcodec::formats},
    types::{
        pixel::{Format, PixelFormat},
        time::Ratio,
    },
};

/// What frames are checked against, and what avsluice relies on, in an encoder's context: nothing that an option does may change it.
pub(super) struct Fixed {
    size: (i32, i32),
    formats: (ffi::AVPixelFormat, ffi::AVPixelFormat),
    time_base: Ratio,
    flags: i32,
}

impl Fixed {
    /// A time base may be reduced: some encoders do so.
    fn is(&self, opened: &Self) -> bool {
        let ticks = |a: Ratio, b: Ratio| i64::from(a.num) * i64::from(b.den);
        let same_time = ticks(self.time_base, opened.time_base) == ticks(opened.time_base, self.time_base);
        same_time && (self.size, self.formats, self.flags) == (opened.size, opened.formats, opened.flags)
    }
    pub(super) fn of(context: &ffi::AVCodecContext) -> Self {
        Fixed {
            size: (context.width, context.height),
            formats: (context.pix_fmt, context.sw_pix_fmt),
            time_base: context.time_base.into(),
            flags: context.flags & ffi::AV_CODEC_FLAG_GLOBAL_HEADER,
        }
    }
    pub(super) fn check(&self, opened: &Self, encoder: &str) -> Result<()> {
        let what = match opened {
            _ if self.is(opened) => return Ok(()),
            _ if self.size != opened.size => "size",
            _ if self.formats != opened.formats => "pixel format",
            _ if self.time_base != opened.time_base => "time base",
            _ => "flags",
        };
        Err(Error::invalid(
            what,
            format!("opened with these options, {encoder} has another {what} than it was configured with"),
        ))
    }
}

impl CodecContext {
    /// Why an encoder was not opened, if it lists its pixel formats and the one that it was set up for is none of them.
    pub(super) fn format_not_taken(&self) -> Option<Error> {
        self.does_not_take(PixelFormat::from_ffmpeg(self.raw().pix_fmt))
    }
    /// Refuses pixel formats that an encoder does not list.
    pub(crate) fn check_takes_pixels(&self, given: PixelFormat) -> Result<()> {
        self.does_not_take(given).map_or(Ok(()), Err)
    }
    fn does_not_take(&self, given: PixelFormat) -> Option<Error> {
        let taken = formats::taken(self.codec);
        if self.decodes() || taken.is_empty() || taken.contains(&given) {
            return None;
        }
        let taken: Vec<_> = taken.iter().map(PixelFormat::to_string).collect();
        let detail = format!("`{}` does not take {given}, but {}", self.name(), taken.join(", "));
        Some(Error::new(ErrorKind::Unsupported, "avcodec_open2").detail(detail))
    }
    /// An encoder that does not list a device's frames reads their pointers as something else, or as host memory.
    pub(super) fn check_takes(&self, memory: &BufferRef) -> Result<()> {
        let (hardware, kind) = (PixelFormat::from_ffmpeg(memory.frames_context().format), memory.frames_kind());
        if formats::taken(self.codec).contains(&hardware) {
            return Ok(());
        }
        let memory = kind.map_or_else(|| hardware.to_string(), |kind| kind.to_string());
        let detail = format!(
            "`{}` takes no frames in {memory}: download them, or choose an encoder of that device",
            self.name()
        );
        Err(Error::new(ErrorKind::Unsupported, "avcodec_get_supported_config").detail(detail))
    }
    /// SVT-AV1's threads never end where no picture ever came: its close waits for them for ever (1.4, with FFmpeg 5.1).
    pub(super) fn wake(&mut self) {
        let Some(context) = self.context.filter(|_| !self.is_fed && self.name() == "libsvtav1") else { return };
        // SAFETY: self owns the context.
        let context = unsafe { context.as_ref() };
        // SAFETY: as above; it is only read.
        if unsafe { ffi::avcodec_is_open((&raw const *context).cast_mut()) } == 0 {
            return;
        }
        let size = (u32::try_from(context.width).unwrap_or(0), u32::try_from(context.height).unwrap_or(0));
        let format = Format { width: size.0, height: size.1, pixels: PixelFormat::from_ffmpeg(context.pix_fmt) };
        if let Ok(picture) = RawFrame::system(format) {
            // What comes of it is nobody's.
            drop(self.send_frame(Some(&picture)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed() -> Fixed {
        Fixed {
            size: (64, 32),
            formats: (ffi::AV_PIX_FMT_YUV420P, ffi::AV_PIX_FMT_NONE),
            time_base: Ratio { num: 1000, den: 25_000 },
            flags: ffi::AV_CODEC_FLAG_GLOBAL_HEADER,
        }
    }

    #[test]
    fn an_encoder_that_is_not_as_configured_is_refused_and_says_what_differs() {
        let (asked, name) = (fixed(), |what: &str| ErrorKind::InvalidSetting { name: what.into() });
        asked.check(&fixed(), "an encoder").unwrap();
        asked.check(&Fixed { time_base: Ratio { num: 1, den: 25 }, ..fixed() }, "an encoder").unwrap();
        for (what, opened) in [
            ("size", Fixed { size: (64, 2048), ..fixed() }),
            ("pixel format", Fixed { formats: (ffi::AV_PIX_FMT_NV12, ffi::AV_PIX_FMT_NONE), ..fixed() }),
            ("pixel format", Fixed { formats: (ffi::AV_PIX_FMT_YUV420P, ffi::AV_PIX_FMT_NV12), ..fixed() }),
            ("time base", Fixed { time_base: Ratio { num: 1, den: 50 }, ..fixed() }),
            ("flags", Fixed { flags: 0, ..fixed() }),
        ] {
            let error = asked.check(&opened, "an encoder").unwrap_err();
            assert_eq!(*error.kind(), name(what), "{error}");
        }
    }
}
