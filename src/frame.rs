//! A picture in memory `M`.

use crate::{
    Any, Color, Concrete, DeviceMemory, Error, ErrorKind, FieldOrder, Format, FramePool, Mapped, Mapping, Memory,
    Result, System, TimeBase,
    raw::{RawFrame, Scope, avutil::rows::Rows},
    transfer,
};
use std::{fmt, marker::PhantomData};

pub use crate::raw::avutil::rows::{HostRows, HostRowsMut};

/// One reference to a picture in memory `M` (an AVFrame), no longer than the device's `'d`.
///
/// `Send` and `Sync`: through `&` it is only read. A second encoder gets a reference of its own from
/// [`try_clone`](Frame::try_clone).
#[must_use]
pub struct Frame<'d, M: Memory> {
    pub(crate) raw: RawFrame,
    _scope: Scope<'d, M>,
}

impl<'d, M: Memory> Frame<'d, M> {
    pub(crate) fn from_raw(raw: RawFrame) -> Self {
        Frame { raw, _scope: Scope::new() }
    }
    /// The visible size and the layout of the pixels.
    pub fn format(&self) -> Format {
        self.raw.format()
    }
    /// Presentation time, in ticks of [`time_base`](Frame::time_base). Pictures of a stream that has no times, such as raw H.264, are
    /// given them by the stream's frame rate.
    pub fn pts(&self) -> Option<i64> {
        self.raw.pts()
    }
    /// Sets the presentation time, in ticks of the time base of the encoder that it is for.
    pub fn set_pts(&mut self, pts: i64) {
        self.raw.set_pts(Some(pts));
        self.raw.facts_mut().time_base = Default::default();
    }
    /// Duration in ticks of [`time_base`](Frame::time_base); 0 when not known.
    pub fn duration(&self) -> i64 {
        self.raw.duration()
    }
    /// What its times are counted in: a decoded frame's stream's. `None` for a frame of the application's, whose times are in
    /// those of the encoder that it is sent to.
    pub fn time_base(&self) -> Option<TimeBase> {
        TimeBase::from_ratio(self.raw.facts().time_base)
    }
    /// Whether it is a keyframe, as the decoder says. FFmpeg's `h264_cuvid` says so of some other frames too from FFmpeg 6 or 7 on
    /// (it reads memory that it never wrote); nvdec, which is the default, does not.
    pub fn is_keyframe(&self) -> bool {
        self.raw.is_keyframe()
    }
    /// Whether something of it is missing or made up: its packet is incomplete, data of it does not decode, a picture
    /// that it refers to is not there (AV_FRAME_FLAG_CORRUPT, decode_error_flags, and what FFmpeg's decoder only logs),
    /// or the GPU did not decode it. Later frames that refer to this one may show the same up to the next keyframe,
    /// unmarked. A GPU's decoder conceals much that FFmpeg is not told; a software decoder of several
    /// [`threads`](crate::Decoder::threads) may give a frame out before it knows, so one thread tells more. An encoder
    /// takes the frame like any other.
    pub fn is_damaged(&self) -> bool {
        self.raw.is_damaged()
    }
    /// Whether it is one picture, or two fields of which one was taken, and is shown, after the other.
    pub fn field_order(&self) -> FieldOrder {
        self.raw.field_order()
    }
    /// Width to height of one sample, as a ratio; `None` where the stream does not tell, and they count as square.
    pub fn sample_aspect_ratio(&self) -> Option<(u32, u32)> {
        let ratio = self.raw.sample_aspect_ratio();
        ratio.is_known().then(|| (ratio.num.unsigned_abs(), ratio.den.unsigned_abs()))
    }
    /// Degrees clockwise, 0 to 359, by which it is to be turned to be shown: a telephone's video is often stored lying.
    /// `None` where the file has no display matrix. Each frame of a stream says it, also after a seek, and so do its
    /// mastering display, light level, spherical and stereo description. An encoder for this frame's pool hands all of
    /// them on to the muxer.
    pub fn rotation(&self) -> Option<u32> {
        self.raw.rotation()
    }
    /// How its colours are to be understood.
    pub fn color(&self) -> Color {
        self.raw.picture().color
    }
    /// Columns and rows at the left and top that the stream cuts off and that are still there: FFmpeg does not move the pointers of
    /// hardware frames, so the part to be shown begins at this column and row of [`format`](Frame::format)'s picture. (0, 0) for
    /// almost every stream.
    pub fn crop_left_top(&self) -> (usize, usize) {
        self.raw.crop_left_top()
    }
    /// The pool it came from, with the colour, aspect ratio, HDR metadata and frame rate of its stream: what an encoder for this
    /// and later frames is configured with.
    pub fn pool(&self) -> FramePool<'d, M> {
        FramePool::of(&self.raw)
    }
    /// Another reference to the same picture (av_frame_ref). Nothing is copied.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub fn try_clone(&self) -> Result<Self> {
        self.raw.try_clone().map(Self::from_raw)
    }
}

impl<'d, M: Concrete> Frame<'d, M> {
    /// The memory kind checked at run time instead.
    pub fn erase(self) -> Frame<'d, Any> {
        Frame::from_raw(self.raw)
    }
}

impl<'d, M: DeviceMemory> Frame<'d, M> {
    /// Lets the host read the picture while the result lives (av_hwframe_map with AV_HWFRAME_MAP_READ). What [`Mapping::Copy`] copies is
    /// counted in [`transfer::stats`].
    ///
    /// # Errors
    /// `Unsupported` for memory that cannot be mapped, which is all of CUDA's, and for a driver that cannot map it directly when
    /// that is asked for; what the driver reports.
    pub fn map(&self, mapping: Mapping) -> Result<Mapped<'d>> {
        let mapped = self.raw.mapped(mapping)?;
        if mapping == Mapping::Copy {
            transfer::downloaded(mapped.picture_bytes());
        }
        Ok(Mapped::new(mapped))
    }
    /// Copies the picture to host memory, in the device's layout of it or another that the driver gives
    /// (av_hwframe_transfer_data); counted in [`transfer::stats`].
    ///
    /// # Errors
    /// What the driver reports, also where FFmpeg only logs it; `OutOfMemory`.
    pub fn download(&self) -> Result<Frame<'static, System>> {
        let (width, height) = self.raw.coded_size();
        let pixels = self.raw.pool().map_or(self.format().pixels, |pool| pool.host_pixels());
        let mut host = RawFrame::system(Format { width, height, pixels })?;
        self.raw.transfer(&mut host)?;
        host.copy_properties(&self.raw)?;
        transfer::downloaded(host.picture_bytes());
        Ok(Frame::from_raw(host))
    }
}

impl Frame<'static, System> {
    /// A frame of host memory, all zero, to fill through [`plane_mut`](Frame::plane_mut).
    ///
    /// # Errors
    /// `InvalidSetting` for a size of zero; `OutOfMemory`.
    pub fn system(format: Format) -> Result<Self> {
        crate::raw::enter()?;
        RawFrame::system(format).map(Self::from_raw)
    }
}

impl<'f> Frame<'f, System> {
    /// Copies the picture into a frame of `pool`; counted in [`transfer::stats`].
    ///
    /// # Errors
    /// `WrongFormat` if the pool's frames have another size or layout; what the driver reports.
    pub fn upload<'d, M: DeviceMemory>(&self, pool: &FramePool<'d, M>) -> Result<Frame<'d, M>> {
        let (own, due) = (self.format(), pool.format());
        let fits = own.width <= due.width && own.height <= due.height;
        if own.pixels != due.pixels || !fits {
            return Err(Error::new(ErrorKind::WrongFormat, "upload").detail(format!(
                "a frame of {} {}x{} does not fit a pool of {} {}x{}",
                own.pixels, own.width, own.height, due.pixels, due.width, due.height
            )));
        }
        let mut frame = pool.frame()?;
        // Drivers take no rows that run upwards.
        let upright = if self.raw.is_bottom_up() { Some(self.raw.copied()?) } else { None };
        upright.as_ref().unwrap_or(&self.raw).transfer(&mut frame.raw)?;
        frame.raw.copy_properties(&self.raw)?;
        transfer::uploaded(self.raw.picture_bytes());
        Ok(frame)
    }
    /// One plane's rows. Without rows if the format has no such plane: NV12 has 2, YUV 4:2:0 has 3.
    pub fn plane(&self, index: usize) -> Plane<'_, HostRows<'_>> {
        let rows = self.raw.host_rows(index);
        Plane::new(rows, rows.layout())
    }
    /// The rows of one plane, to write to. `None` if there is no such plane, or another reference to the picture exists, whose
    /// reader would see it change.
    pub fn plane_mut(&mut self, index: usize) -> Option<Plane<'_, HostRowsMut<'_>>> {
        let rows = self.raw.host_rows_mut(index)?;
        let layout = rows.layout();
        Some(Plane::new(rows, layout))
    }
}

impl<M: Memory> fmt::Debug for Frame<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame").field("format", &self.format()).field("pts", &self.pts()).finish()
    }
}

/// One plane: where it is, and its pitch, which is not its width.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'f, P> {
    /// The rows, [to read](HostRows), [to write](HostRowsMut) or [to copy](crate::MappedRows); or the device pointer of the first.
    pub data: P,
    /// Bytes from one row to the next.
    pub pitch: usize,
    /// Bytes of picture in a row.
    pub row_bytes: usize,
    /// Rows.
    pub rows: usize,
    /// Whether the last row of the picture comes first in memory (FFmpeg's negative linesize).
    pub bottom_up: bool,
    frame: PhantomData<&'f ()>,
}

impl<P> Plane<'_, P> {
    pub(crate) fn new(data: P, rows: Rows) -> Self {
        let Rows { pitch, row, rows, bottom_up } = rows;
        Plane { data, pitch, row_bytes: row, rows, bottom_up, frame: PhantomData }
    }
}
impl<'f> Plane<'f, HostRows<'f>> {
    /// The rows of the picture, top to bottom, without the bytes between them, which belong to no picture.
    pub fn lines(self) -> impl DoubleEndedIterator<Item = &'f [u8]> + ExactSizeIterator {
        self.data.iter()
    }
}
impl<'f> Plane<'f, HostRowsMut<'f>> {
    /// The rows of the picture, top to bottom, without the bytes between them.
    pub fn lines_mut(self) -> impl DoubleEndedIterator<Item = &'f mut [u8]> + ExactSizeIterator {
        self.data.into_iter_mut()
    }
}

static_assertions::assert_impl_all!(Frame<'static, Any>: Send, Sync);
static_assertions::assert_not_impl_any!(Frame<'static, Any>: Clone);
static_assertions::assert_eq_size!(Frame<'static, Any>, *const ());
static_assertions::assert_eq_size!(crate::Failed<Frame<'static, Any>>, [*const (); 2]);
