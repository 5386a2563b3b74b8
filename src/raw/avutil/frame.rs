//! AVFrame: a reference to a picture, with its times and properties.

use crate::{
    error::{Error, ErrorKind, Result},
    ffi,
    raw::{
        BufferRef, Kind,
        avutil::picture::{self, Picture},
        check,
        recycle::Reusable,
    },
    types::{
        pixel::{FieldOrder, Format, PixelFormat},
        time::Ratio,
    },
};
use std::slice;

/// An owned AVFrame.
pub(crate) type RawFrame = Reusable<ffi::AVFrame>;

/// A pixel format of FFmpeg's, and a size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    format: i32,
    width: i32,
    height: i32,
    bottom_up: bool,
}

/// How the next encoder is to treat the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PictureType {
    /// The encoder decides.
    Any,
    /// An I picture, which with forced-idr is an IDR picture.
    Key,
}

impl RawFrame {
    /// A frame of host memory, all zero: what was there before is nobody's to read.
    pub(crate) fn system(format: Format) -> Result<Self> {
        let mut frame = Self::new()?;
        let raw = frame.get_mut();
        raw.format = format.pixels.ffmpeg().0;
        (raw.width, raw.height) = size(format)?;
        let raw = frame.as_ptr();
        // SAFETY: the frame is ours, empty, and its format and size are set, as av_frame_get_buffer asks.
        check("av_frame_get_buffer", || unsafe { ffi::av_frame_get_buffer(raw, 0) })?;
        #[cfg(all(avsluice_canaries, target_os = "linux"))]
        crate::raw::canary::guard_frame(frame.get_mut())?;
        for buffer in frame.get().buf.iter().take_while(|buffer| !buffer.is_null()) {
            // SAFETY: the buffer was just made by av_frame_get_buffer, has this size, and nobody else refers to it.
            unsafe { std::ptr::write_bytes((**buffer).data, 0, (**buffer).size) };
        }
        Ok(frame)
    }
    /// Where its pixels are. `None` for hardware memory that avsluice has no kind for.
    pub(crate) fn kind(&self) -> Option<Kind> {
        let format = ffi::AVPixelFormat(self.get().format);
        if ffi::pixel::is_hardware(format) { Kind::of_hardware(format) } else { Some(Kind::System) }
    }
    /// Pixel format and size, as FFmpeg has them, of a frame that is of no pool: what tells such frames apart.
    #[inline]
    pub(crate) fn layout(&self) -> Option<Layout> {
        let frame = self.get();
        frame.hw_frames_ctx.is_null().then_some(Layout {
            format: frame.format,
            width: frame.width,
            height: frame.height,
            bottom_up: self.is_bottom_up(),
        })
    }
    /// The visible size, and the layout of the pixels: a hardware frame's is its pool's.
    pub(crate) fn format(&self) -> Format {
        let frame = self.get();
        let pixels = match self.pool_context() {
            Some(pool) => pool.sw_format,
            None => ffi::AVPixelFormat(frame.format),
        };
        Format {
            width: unsigned(frame.width),
            height: unsigned(frame.height),
            pixels: PixelFormat::from_ffmpeg(pixels),
        }
    }
    /// The size that its memory is laid out for: a hardware frame's pool may be larger than the picture.
    pub(crate) fn coded_size(&self) -> (u32, u32) {
        match self.pool_context() {
            Some(pool) => (unsigned(pool.width), unsigned(pool.height)),
            None => (unsigned(self.get().width), unsigned(self.get().height)),
        }
    }
    fn pool_context(&self) -> Option<&ffi::AVHWFramesContext> {
        // SAFETY: a frame's hw_frames_ctx is null or a live reference to an AVHWFramesContext, which does not change after init
        // and lives as long as the frame, which is borrowed.
        unsafe {
            self.get().hw_frames_ctx.as_ref().and_then(|buffer| buffer.data.cast::<ffi::AVHWFramesContext>().as_ref())
        }
    }
    /// A reference to the pool of a hardware frame.
    pub(crate) fn pool(&self) -> Option<BufferRef> {
        // SAFETY: hw_frames_ctx is null or a live reference of the frame's.
        unsafe { BufferRef::from_borrowed(self.get().hw_frames_ctx) }
    }
    /// Whether it is a frame of that pool.
    pub(crate) fn is_of(&self, pool: &BufferRef) -> bool {
        // SAFETY: hw_frames_ctx is null or a live reference of the frame's.
        unsafe { self.get().hw_frames_ctx.as_ref() }.is_some_and(|own| own.data == pool.data())
    }
    /// Colour, aspect ratio, HDR metadata.
    pub(crate) fn picture(&self) -> Picture {
        Picture::of(self.get(), self.facts().frame_rate, self.field_order())
    }
    /// Width to height of a sample; 0/0 or 0/1 when not known.
    pub(crate) fn sample_aspect_ratio(&self) -> Ratio {
        self.get().sample_aspect_ratio.into()
    }
    /// Degrees clockwise by which it is to be turned to be shown.
    pub(crate) fn rotation(&self) -> Option<u32> {
        // SAFETY: the frame is borrowed and live; the result is null or lives as long as the frame.
        let found = unsafe { ffi::av_frame_get_side_data(self.get(), ffi::AV_FRAME_DATA_DISPLAYMATRIX).as_ref() }?;
        // SAFETY: FFmpeg keeps `size` bytes at `data`, and the frame is borrowed while they are read.
        picture::rotation(unsafe { slice::from_raw_parts(found.data, found.size) })
    }
    pub(crate) fn pts(&self) -> Option<i64> {
        (self.get().pts != ffi::AV_NOPTS_VALUE).then_some(self.get().pts)
    }
    pub(crate) fn set_pts(&mut self, pts: Option<i64>) {
        self.get_mut().pts = pts.unwrap_or(ffi::AV_NOPTS_VALUE);
    }
    /// The presentation time that a decoder worked out where the stream has none of its own.
    pub(crate) fn best_effort_pts(&self) -> Option<i64> {
        (self.get().best_effort_timestamp != ffi::AV_NOPTS_VALUE).then_some(self.get().best_effort_timestamp)
    }
    /// In ticks of the time base; 0 when not known.
    pub(crate) fn duration(&self) -> i64 {
        #[cfg(has_frame_duration)]
        return self.get().duration;
        #[cfg(not(has_frame_duration))]
        return self.get().pkt_duration;
    }
    /// Whether the stream can be decoded from here on.
    pub(crate) fn is_keyframe(&self) -> bool {
        #[cfg(has_frame_flags)]
        return self.has_flag(ffi::AV_FRAME_FLAG_KEY);
        #[cfg(not(has_frame_flags))]
        return self.get().key_frame != 0;
    }
    /// Whether it is two fields, and if so, which is shown first.
    pub(crate) fn field_order(&self) -> FieldOrder {
        #[cfg(has_frame_flags)]
        let (interlaced, top) =
            (self.has_flag(ffi::AV_FRAME_FLAG_INTERLACED), self.has_flag(ffi::AV_FRAME_FLAG_TOP_FIELD_FIRST));
        #[cfg(not(has_frame_flags))]
        let (interlaced, top) = (self.get().interlaced_frame != 0, self.get().top_field_first != 0);
        match (interlaced, top) {
            (false, _) => FieldOrder::Progressive,
            (true, true) => FieldOrder::TopFirst,
            (true, false) => FieldOrder::BottomFirst,
        }
    }
    /// Whether its decoder, or avsluice, found that something of it is missing (AV_FRAME_FLAG_CORRUPT,
    /// decode_error_flags).
    #[inline]
    pub(crate) fn is_damaged(&self) -> bool {
        self.get().flags & ffi::AV_FRAME_FLAG_CORRUPT != 0 || self.get().decode_error_flags != 0
    }
    pub(crate) fn mark_damaged(&mut self) {
        self.get_mut().flags |= ffi::AV_FRAME_FLAG_CORRUPT;
    }
    /// The number of the packet that it was decoded from (`CodecContext::number_next`). 0 from a decoder that does not
    /// tell, such as `h264_cuvid`.
    #[inline]
    pub(crate) fn number(&self) -> u32 {
        #[cfg(has_copy_opaque)]
        return u32::try_from(self.get().opaque.addr()).unwrap_or(0);
        #[cfg(not(has_copy_opaque))]
        return u32::try_from(self.get().reordered_opaque).unwrap_or(0);
    }
    /// It is of no use to others, and FFmpeg's libx265 keeps memory for it in an encoder that is not drained.
    #[inline]
    pub(crate) fn forget_number(&mut self) {
        #[cfg(has_copy_opaque)]
        {
            self.get_mut().opaque = std::ptr::null_mut();
        }
        #[cfg(not(has_copy_opaque))]
        {
            self.get_mut().reordered_opaque = 0;
        }
    }
    /// The decoding time of the packet that it was decoded from.
    pub(crate) fn packet_dts(&self) -> Option<i64> {
        (self.get().pkt_dts != ffi::AV_NOPTS_VALUE).then_some(self.get().pkt_dts)
    }
    #[cfg(has_frame_flags)]
    fn has_flag(&self, flag: i32) -> bool {
        self.get().flags & flag != 0
    }
    pub(crate) fn set_duration(&mut self, ticks: i64) {
        #[cfg(has_frame_duration)]
        {
            self.get_mut().duration = ticks;
        }
        #[cfg(not(has_frame_duration))]
        {
            self.get_mut().pkt_duration = ticks;
        }
    }
    /// Sets how the encoder is to treat it, and gives what was there.
    pub(crate) fn set_picture_type(&mut self, picture_type: PictureType) -> ffi::AVPictureType {
        let new = match picture_type {
            PictureType::Any => ffi::AV_PICTURE_TYPE_NONE,
            PictureType::Key => ffi::AV_PICTURE_TYPE_I,
        };
        std::mem::replace(&mut self.get_mut().pict_type, new)
    }
    pub(crate) fn restore_picture_type(&mut self, picture_type: ffi::AVPictureType) {
        self.get_mut().pict_type = picture_type;
    }
    /// Pixels cut off at the left and top, which FFmpeg reports and does not apply to hardware frames.
    pub(crate) fn crop_left_top(&self) -> (usize, usize) {
        (self.get().crop_left, self.get().crop_top)
    }
    /// Another reference to the same picture (av_frame_ref).
    pub(crate) fn try_clone(&self) -> Result<Self> {
        let mut copy = self.sibling()?;
        let (to, from) = (copy.as_ptr(), self.as_ptr());
        // SAFETY: `copy` is empty and ours; `self` is live and only read.
        check("av_frame_ref", || unsafe { ffi::av_frame_ref(to, from) })?;
        *copy.facts_mut() = self.facts();
        Ok(copy)
    }
    /// Takes over the other's times and properties (av_frame_copy_props), not its pixels.
    pub(crate) fn copy_properties(&mut self, from: &RawFrame) -> Result<()> {
        let (to, other) = (self.as_ptr(), from.as_ptr());
        // SAFETY: both are live; `self` is borrowed mutably.
        check("av_frame_copy_props", || unsafe { ffi::av_frame_copy_props(to, other) })?;
        (self.get_mut().width, self.get_mut().height) = (from.get().width, from.get().height);
        *self.facts_mut() = from.facts();
        Ok(())
    }
    /// Copies the pixels into `to`, between host and device or within the device (av_hwframe_transfer_data).
    pub(crate) fn transfer(&self, to: &mut RawFrame) -> Result<()> {
        let (target, source) = (to.as_ptr(), self.as_ptr());
        let capture = crate::raw::log::Capture::start();
        // SAFETY: both are live frames with buffers; `to` is borrowed mutably.
        let code = unsafe { ffi::av_hwframe_transfer_data(target, source, 0) };
        let lines = capture.lines();
        // FFmpeg 5.1 logs a failed copy and returns success.
        let swallowed =
            code >= 0 && lines.iter().any(|line| line.level == log::Level::Error && line.class.starts_with("AVHW"));
        if code < 0 || swallowed {
            let code = if swallowed { ffi::AVERROR_EXTERNAL } else { code };
            return Err(crate::raw::ffmpeg_error("av_hwframe_transfer_data", code, lines));
        }
        Ok(())
    }
    /// Bytes of picture, without padding.
    pub(crate) fn picture_bytes(&self) -> u64 {
        let format = self.format();
        let planes = ffi::pixel::planes(format.pixels.ffmpeg(), self.get().width, self.get().height);
        planes.iter().map(|(row, rows)| (row * rows) as u64).sum()
    }
}

/// A size as FFmpeg has it.
pub(in crate::raw) fn size(format: Format) -> Result<(i32, i32)> {
    match (i32::try_from(format.width), i32::try_from(format.height)) {
        (Ok(width @ 1..), Ok(height @ 1..)) => Ok((width, height)),
        _ => Err(Error::new(ErrorKind::InvalidSetting { name: "size".into() }, "format")
            .detail(format!("{} x {} is no size of a picture", format.width, format.height))),
    }
}

fn unsigned(value: i32) -> u32 {
    u32::try_from(value).unwrap_or(0)
}
