//! AVCodecContext: one encoder or decoder, from its making to its freeing.
//!
//! Which calls are due in which state is the typestates' business (`encode/`, `decode/`); here each call is sound in any.

mod checks;
mod setup;

use crate::{
    error::{Error, ErrorKind, Result, line::Line},
    ffi,
    raw::{
        Kind, RawFrame, RawPacket,
        avcodec::{formats, get_format::FormatChoice, parameters::Parameters},
        avutil::hwdevice,
        backend::{self, Backend},
        c_string, check,
        log::Capture,
        out_of_memory, strings,
    },
    types::pixel::PixelFormat,
};
use checks::Fixed;
pub(crate) use setup::{DecoderSetup, EncoderSetup};
use std::{ffi::CStr, ptr::NonNull, slice, sync::Arc};

/// An owned AVCodecContext.
pub(crate) struct CodecContext {
    context: Option<NonNull<ffi::AVCodecContext>>,
    codec: &'static ffi::AVCodec,
    /// An encoder as it was set up, before any option was set.
    configured: Option<Fixed>,
    /// A frame was sent.
    is_fed: bool,
    // Behind the context's `opaque`: the context is freed before it (see `Drop`). No Box: moving one ends the pointers to it.
    format_choice: Arc<FormatChoice>,
}

// SAFETY: an AVCodecContext has no thread affinity, and self is its one owner. It is not Sync.
unsafe impl Send for CodecContext {}

// SAFETY: FFmpeg's codec descriptions are constants: nothing writes to them once they are found.
unsafe impl Sync for ffi::AVCodec {}

/// The result of a send or receive call: what FFmpeg means by its return value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Done,
    /// EAGAIN: the other call is due.
    Again,
    /// EOF: nothing comes any more.
    End,
}

impl CodecContext {
    /// A context for FFmpeg's encoder of that name, not yet open.
    pub(crate) fn encoder(name: &str) -> Result<Self> {
        crate::raw::enter()?;
        let wanted = c_string("encoder", name)?;
        // SAFETY: a terminated string; the result is null or static.
        let codec = unsafe { ffi::avcodec_find_encoder_by_name(wanted.as_ptr()).as_ref() };
        let codec = codec.ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "avcodec_find_encoder_by_name")
                .detail(format!("this FFmpeg has no encoder `{name}`: install a build that has it, or choose another"))
        })?;
        strings::refuse_pointers(codec.id, "avcodec_find_encoder_by_name")?;
        // FFmpeg's subtitle encoders are functions of another type, which avcodec_send_frame does not ask for.
        if codec.type_ != ffi::AVMEDIA_TYPE_VIDEO {
            return Err(Error::new(ErrorKind::Unsupported, "avcodec_find_encoder_by_name")
                .detail(format!("`{name}` is no encoder of video")));
        }
        Self::allocate(codec)
    }
    /// A context for a stream's decoder: FFmpeg's first choice, or the one named.
    pub(crate) fn decoder(stream: &Parameters, name: Option<&str>) -> Result<Self> {
        crate::raw::enter()?;
        strings::refuse_pointers(stream.codec_id(), "avcodec_find_decoder")?;
        // FFmpeg's subtitle decoders write to another structure than a frame, which avcodec_send_packet does not ask for: memory
        // would be overwritten. A sound's sample format would be read as a pixel format.
        if stream.media_type() != ffi::AVMEDIA_TYPE_VIDEO {
            return Err(Error::new(ErrorKind::Unsupported, "avcodec_find_decoder").detail(format!(
                "a stream of {} is no video: only video is decoded",
                ffi::names::codec(stream.codec_id())
            )));
        }
        let codec = match name {
            Some(name) => {
                let wanted = c_string("decoder", name)?;
                // SAFETY: a terminated string; the result is null or static.
                unsafe { ffi::avcodec_find_decoder_by_name(wanted.as_ptr()).as_ref() }
            }
            // SAFETY: any id may be asked for; the result is null or static.
            None => unsafe { ffi::avcodec_find_decoder(stream.codec_id()).as_ref() },
        };
        if name.is_none() && stream.codec_id() == ffi::AV_CODEC_ID_NONE {
            return Err(Error::new(ErrorKind::Unsupported, "avcodec_find_decoder").detail(
                "the stream's codec is not known: the file is damaged, or of a codec that this FFmpeg does not know",
            ));
        }
        let missing = || {
            let name = name.map_or_else(|| ffi::names::codec(stream.codec_id()).to_string(), str::to_string);
            Error::new(ErrorKind::Unsupported, "avcodec_find_decoder")
                .detail(format!("this FFmpeg has no decoder `{name}`: install a build that has it"))
        };
        let codec = codec.ok_or_else(missing)?;
        if codec.id != stream.codec_id() {
            let (is, due) = (ffi::names::codec(codec.id), ffi::names::codec(stream.codec_id()));
            let detail = format!("`{}` decodes {is}, the stream is {due}", name.unwrap_or_default());
            return Err(Error::new(ErrorKind::Unsupported, "avcodec_find_decoder").detail(detail));
        }
        let mut context = Self::allocate(codec)?;
        let raw = context.as_ptr();
        // SAFETY: the context is allocated and not open; the parameters are live.
        check("avcodec_parameters_to_context", || unsafe { ffi::avcodec_parameters_to_context(raw, stream.as_ptr()) })?;
        context.raw_mut().opaque = Arc::as_ptr(&context.format_choice).cast_mut().cast();
        Ok(context)
    }
    fn allocate(codec: &'static ffi::AVCodec) -> Result<Self> {
        // SAFETY: the codec is FFmpeg's own static description.
        let context = NonNull::new(unsafe { ffi::avcodec_alloc_context3(codec) });
        let context = Some(context.ok_or_else(|| out_of_memory("avcodec_alloc_context3"))?);
        Ok(CodecContext {
            context,
            codec,
            configured: None,
            is_fed: false,
            format_choice: Arc::new(FormatChoice::new()),
        })
    }
    pub(in crate::raw) fn as_ptr(&self) -> *mut ffi::AVCodecContext {
        self.context.map_or(std::ptr::null_mut(), NonNull::as_ptr)
    }
    #[inline]
    fn raw(&self) -> &ffi::AVCodecContext {
        let context = self.context.expect("a closed codec is asked for nothing: its state types have no such method");
        // SAFETY: self owns the context, and FFmpeg writes to it only in calls that take `&mut self`.
        unsafe { &*context.as_ptr() }
    }
    #[inline]
    fn raw_mut(&mut self) -> &mut ffi::AVCodecContext {
        let context = self.context.expect("a closed codec is asked for nothing: its state types have no such method");
        // SAFETY: self owns the context and is borrowed mutably.
        unsafe { &mut *context.as_ptr() }
    }

    /// FFmpeg's name of the codec.
    pub(crate) fn name(&self) -> &'static str {
        // SAFETY: a codec's name is a static terminated string.
        unsafe { CStr::from_ptr(self.codec.name) }.to_str().unwrap_or("codec")
    }
    pub(crate) fn codec_id(&self) -> ffi::AVCodecID {
        self.codec.id
    }

    /// Whether the decoder can put its frames into this memory at all, on some stream.
    pub(crate) fn decodes_into(&self, kind: Kind) -> bool {
        let Some(wanted) = kind.hardware_format() else { return true };
        (0..)
            .map_while(|index| {
                // SAFETY: the codec is static; the result is null after the last entry.
                unsafe { ffi::avcodec_get_hw_config(self.codec, index).as_ref() }
            })
            .any(|config| {
                config.pix_fmt == wanted && config.methods & ffi::AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX as i32 != 0
            })
    }
    /// The software format of a stream that the device refused to decode.
    pub(crate) fn refused(&self) -> Option<PixelFormat> {
        self.format_choice.refused().map(PixelFormat::from_ffmpeg)
    }
    fn decodes(&self) -> bool {
        // SAFETY: the codec is static.
        unsafe { ffi::av_codec_is_decoder(self.codec) != 0 }
    }
    /// Opens the codec (avcodec_open2). One codec is opened on a device at a time.
    pub(crate) fn open(&mut self) -> Result<()> {
        let lines = Capture::start();
        {
            let _opening = hwdevice::opening();
            let (context, codec) = (self.as_ptr(), self.codec);
            // SAFETY: the context was allocated for this codec and is opened once: a failed open drops self.
            let opened = check("avcodec_open2", || unsafe { ffi::avcodec_open2(context, codec, std::ptr::null_mut()) });
            opened.map_err(|error| self.format_not_taken().unwrap_or(error))?;
        }
        let Some(configured) = self.configured.take().filter(|_| !self.decodes()) else { return Ok(()) };
        configured.check(&Fixed::of(self.raw()), self.name())?;
        strings::refused_by_the_library(self.name(), &lines.finish())
    }

    /// avcodec_send_frame; `None` is the end of the stream. The lines are what FFmpeg logged meanwhile.
    #[inline]
    pub(crate) fn send_frame(&mut self, frame: Option<&RawFrame>) -> (Result<Step>, Vec<Line>) {
        let raw = frame.map_or(std::ptr::null(), |frame| frame.as_ptr().cast_const());
        let context = self.raw_mut();
        // SAFETY: the context is live; FFmpeg takes references of its own to what the frame refers to. A context that is not
        // open gives EINVAL.
        let sent = step("avcodec_send_frame", || unsafe { ffi::avcodec_send_frame(context, raw) });
        self.is_fed |= frame.is_some() && matches!(sent.0, Ok(Step::Done));
        sent
    }
    /// avcodec_receive_packet.
    #[inline]
    pub(crate) fn receive_packet(&mut self, packet: &mut RawPacket) -> (Result<Step>, Vec<Line>) {
        let context = self.raw_mut();
        // SAFETY: the context is live, the packet ours.
        step("avcodec_receive_packet", || unsafe { ffi::avcodec_receive_packet(context, packet.as_ptr()) })
    }
    /// The number that the packet's frame will have (`RawFrame::number`), to be set before the packet is sent.
    #[inline]
    pub(crate) fn number_next(&mut self, packet: &mut RawPacket, number: u32) {
        #[cfg(has_copy_opaque)]
        {
            packet.get_mut().opaque = std::ptr::without_provenance_mut(number as usize);
        }
        #[cfg(not(has_copy_opaque))]
        {
            let _ = packet;
            self.raw_mut().reordered_opaque = i64::from(number);
        }
    }
    /// avcodec_send_packet; `None` is the end of the stream.
    #[inline]
    pub(crate) fn send_packet(&mut self, packet: Option<&RawPacket>) -> (Result<Step>, Vec<Line>) {
        let packet = packet.map_or(std::ptr::null(), |packet| packet.as_ptr().cast_const());
        let context = self.raw_mut();
        // SAFETY: the context is live; FFmpeg takes a reference of its own to the packet's data.
        step("avcodec_send_packet", || unsafe { ffi::avcodec_send_packet(context, packet) })
    }
    /// avcodec_receive_frame.
    #[inline]
    pub(crate) fn receive_frame(&mut self, frame: &mut RawFrame) -> (Result<Step>, Vec<Line>) {
        let context = self.raw_mut();
        // SAFETY: the context is live, the frame ours.
        step("avcodec_receive_frame", || unsafe { ffi::avcodec_receive_frame(context, frame.as_ptr()) })
    }
    /// Discards what is inside (avcodec_flush_buffers): after a seek, or to use a drained decoder again.
    pub(crate) fn discard(&mut self) {
        let _lines = Capture::start();
        // SAFETY: the context is live and open: only the states after `open` reach this.
        unsafe { ffi::avcodec_flush_buffers(self.raw_mut()) }
    }

    /// Parameter sets and the like that the codec wrote at its opening.
    pub(crate) fn extradata(&self) -> &[u8] {
        let context = self.raw();
        if context.extradata.is_null() {
            return &[];
        }
        // SAFETY: FFmpeg keeps `extradata_size` bytes there, and does not change them while self is borrowed.
        unsafe { slice::from_raw_parts(context.extradata, usize::try_from(context.extradata_size).unwrap_or(0)) }
    }
    /// Frames by which decoding order may run ahead of display order, as the codec has settled on at its opening.
    pub(crate) fn reorder_depth(&self) -> u32 {
        u32::try_from(self.raw().has_b_frames).unwrap_or(0)
    }
    /// The backend whose frames an encoder takes: its device's memory.
    pub(crate) fn backend(&self) -> Option<&'static dyn Backend> {
        formats::taken(self.codec).iter().find_map(|format| backend::of_pixel_format(format.ffmpeg()))
    }
    /// Whether the decoding times of a stream of so few frames were never set: libx265 works out by how much they lie
    /// before the times of display from its third frame. What it gives until then is what its memory held.
    pub(crate) fn forgets_dts_of(&self, frames: u64) -> bool {
        frames <= 2 && self.name() == "libx265"
    }
    /// New bit rate, in bits per second, from the next frame on, in codecs that read it again.
    pub(crate) fn set_bit_rate(&mut self, rate: u64) {
        let context = self.raw_mut();
        context.bit_rate = i64::try_from(rate).unwrap_or(i64::MAX);
        if context.rc_max_rate > 0 {
            context.rc_max_rate = context.rc_max_rate.max(context.bit_rate);
        }
    }
    /// Average and highest bit rate, to be put back should the driver refuse new ones.
    pub(crate) fn bit_rates(&self) -> (i64, i64) {
        (self.raw().bit_rate, self.raw().rc_max_rate)
    }
    pub(crate) fn restore_bit_rates(&mut self, rates: (i64, i64)) {
        let context = self.raw_mut();
        (context.bit_rate, context.rc_max_rate) = rates;
    }
    /// Surfaces that the decoder gives out are its own: copies are due to whoever keeps them.
    pub(crate) fn gives_own_surfaces(&self) -> bool {
        // SAFETY: hwaccel is null or a static description.
        unsafe { self.raw().hwaccel.as_ref() }
            .and_then(|hwaccel| backend::of_pixel_format(hwaccel.pix_fmt))
            .is_some_and(|backend| backend.maps_surfaces())
    }

    /// Closes the codec: what it holds in the driver is released. Later calls do nothing.
    pub(crate) fn close(&mut self) -> Vec<Line> {
        let capture = Capture::start();
        self.wake();
        #[cfg(has_avcodec_close)]
        if self.context.is_some() {
            // SAFETY: the context is live; avcodec_close leaves it to be freed, and does nothing when called again.
            #[allow(deprecated)]
            unsafe {
                ffi::avcodec_close(self.as_ptr())
            };
        }
        #[cfg(not(has_avcodec_close))]
        self.free();
        capture.lines()
    }
    /// Frees the context, closing it first if it is open (avcodec_free_context).
    pub(crate) fn free(&mut self) {
        // For the application's logger, which must not run inside the call.
        let _lines = Capture::start();
        self.wake();
        if let Some(context) = self.context.take() {
            let mut context = context.as_ptr();
            // SAFETY: self owned the context and has just given it up.
            unsafe { ffi::avcodec_free_context(&mut context) }
        }
    }
}

impl Drop for CodecContext {
    fn drop(&mut self) {
        self.free();
    }
}

#[inline]
fn step(operation: &'static str, call: impl FnOnce() -> i32) -> (Result<Step>, Vec<Line>) {
    let capture = Capture::start();
    let code = call();
    let lines = capture.finish();
    match code {
        0.. => (Ok(Step::Done), lines),
        ffi::AVERROR_EAGAIN => (Ok(Step::Again), Vec::new()),
        ffi::AVERROR_EOF => (Ok(Step::End), lines),
        code => (Err(crate::raw::ffmpeg_error(operation, code, lines)), Vec::new()),
    }
}

static_assertions::assert_impl_all!(CodecContext: Send);
static_assertions::assert_not_impl_any!(CodecContext: Sync, Clone);
