//! What a codec is told before it is opened.

use super::{CodecContext, checks::Fixed};
use crate::{
    error::Result,
    ffi,
    raw::{
        BufferRef, Kind,
        avutil::{frame, picture::Picture},
    },
    types::{
        pixel::{FieldOrder, Format},
        time::Ratio,
    },
};

/// What an encoder is told before it is opened, its own options aside.
pub(crate) struct EncoderSetup<'a> {
    pub(crate) format: Format,
    pub(crate) memory: Option<&'a BufferRef>,
    pub(crate) device: Option<&'a BufferRef>,
    pub(crate) time_base: Ratio,
    pub(crate) frame_rate: Ratio,
    pub(crate) picture: &'a Picture,
    /// The application wants interlaced pictures coded as such.
    pub(crate) codes_fields: bool,
    pub(crate) bit_rate: Option<u64>,
    pub(crate) max_bit_rate: Option<u64>,
    pub(crate) buffer_size: Option<u32>,
    pub(crate) gop_size: Option<u32>,
    pub(crate) max_b_frames: Option<u32>,
    pub(crate) threads: u32,
}

/// Encoders that always can code two fields as such. Of the others FFmpeg refuses some, and some GPUs.
const CODE_FIELDS: [&str; 3] = ["libx264", "mpeg2video", "mpeg4"];

/// What a decoder is told before it is opened.
pub(crate) struct DecoderSetup<'a> {
    pub(crate) device: Option<&'a BufferRef>,
    pub(crate) kind: Kind,
    pub(crate) or_system: bool,
    pub(crate) time_base: Ratio,
    pub(crate) frame_rate: Ratio,
    pub(crate) extra_frames: u32,
    pub(crate) direct_surfaces: bool,
    pub(crate) threads: u32,
}

impl CodecContext {
    /// Sets an encoder up.
    pub(crate) fn set_up_encoder(&mut self, setup: &EncoderSetup<'_>) -> Result<()> {
        let (width, height) = frame::size(setup.format)?;
        let (name, pixels) = (self.name(), setup.format.pixels.ffmpeg());
        if let Some(memory) = setup.memory {
            self.check_takes(memory)?;
        }
        let memory = setup.memory.map(BufferRef::try_clone).transpose()?;
        let device = setup.device.map(BufferRef::try_clone).transpose()?;
        let context = self.raw_mut();
        (context.width, context.height) = (width, height);
        context.pix_fmt = pixels;
        if let Some(memory) = memory {
            context.pix_fmt = memory.frames_context().format;
            context.sw_pix_fmt = pixels;
            context.hw_frames_ctx = memory.into_raw();
        }
        if let Some(device) = device {
            context.hw_device_ctx = device.into_raw();
        }
        context.time_base = setup.time_base.ffmpeg();
        if setup.frame_rate.is_known() {
            context.framerate = setup.frame_rate.ffmpeg();
        }
        setup.picture.apply(context)?;
        if let Some(rate) = setup.bit_rate {
            context.bit_rate = i64::try_from(rate).unwrap_or(i64::MAX);
        }
        if let Some(rate) = setup.max_bit_rate {
            context.rc_max_rate = i64::try_from(rate).unwrap_or(i64::MAX);
        }
        if let Some(size) = setup.buffer_size {
            context.rc_buffer_size = i32::try_from(size).unwrap_or(i32::MAX);
        }
        if let Some(frames) = setup.gop_size {
            context.gop_size = i32::try_from(frames).unwrap_or(i32::MAX);
        }
        if let Some(frames) = setup.max_b_frames {
            context.max_b_frames = i32::try_from(frames).unwrap_or(i32::MAX);
        }
        context.thread_count = i32::try_from(setup.threads).unwrap_or(0);
        // The parameter sets are then known as soon as the codec is open, which a container's header needs.
        context.flags |= ffi::AV_CODEC_FLAG_GLOBAL_HEADER;
        let interlaced = !matches!(setup.picture.field_order, None | Some(FieldOrder::Progressive));
        if interlaced && (setup.codes_fields || CODE_FIELDS.contains(&name)) {
            context.flags |= ffi::AV_CODEC_FLAG_INTERLACED_DCT | ffi::AV_CODEC_FLAG_INTERLACED_ME;
        }
        self.configured = Some(Fixed::of(self.raw()));
        Ok(())
    }
    /// Sets a decoder up.
    pub(crate) fn set_up_decoder(&mut self, setup: &DecoderSetup<'_>) -> Result<()> {
        let device = setup.device.map(BufferRef::try_clone).transpose()?;
        let context = self.raw_mut();
        context.pkt_timebase = setup.time_base.ffmpeg();
        if setup.frame_rate.is_known() {
            context.framerate = setup.frame_rate.ffmpeg();
        }
        context.thread_count = i32::try_from(setup.threads).unwrap_or(0);
        #[cfg(has_copy_opaque)]
        {
            context.flags |= ffi::AV_CODEC_FLAG_COPY_OPAQUE;
        }
        if let Some(device) = device {
            // Each thread would have surfaces of its own, of which a device has few.
            context.thread_count = 1;
            context.hw_device_ctx = device.into_raw();
            context.get_format = setup.kind.backend().map(|backend| backend.get_format(setup.or_system));
            // No device has as many; FFmpeg adds to the number unchecked.
            context.extra_hw_frames = i32::try_from(setup.extra_frames.min(1024)).unwrap_or(1024);
            if let Some(backend) = setup.kind.backend().filter(|_| setup.direct_surfaces) {
                context.hwaccel_flags |= backend.direct_surfaces_flag();
            }
        }
        Ok(())
    }
}
