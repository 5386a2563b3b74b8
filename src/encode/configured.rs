//! An encoder to be: plain data and the codec's options. No FFmpeg object exists yet, so nothing can be half open.

use super::{
    Encoder, Encodes, Opened,
    core::EncoderCore,
    intake::{Accepts, Intake},
    reorder::Reorder,
};
use crate::{
    AsDevice, Color, DeviceMemory, Error, ErrorKind, Failed, FieldOrder, Format, FramePool, Memory, Result, System,
    Teardown, TimeBase,
    codec::Core,
    raw::{
        BufferRef, CodecContext, Kind, avcodec::context::EncoderSetup, avutil::picture::Picture, backend::Backend,
        recycle::Supply, sealed,
    },
    types::{facts::Origin, time::Ratio},
};
use std::sync::atomic::AtomicBool;

/// Plain data: the settings of an encoder to be. No FFmpeg object exists yet.
pub struct Configured<O> {
    options: O,
    format: Format,
    memory: Option<BufferRef>,
    device: Option<BufferRef>,
    time_base: TimeBase,
    picture: Picture,
    /// As it was asked for; `None`: the picture's.
    frame_rate: Option<(u32, u32)>,
    bit_rate: Option<u64>,
    max_bit_rate: Option<u64>,
    buffer_size: Option<u32>,
    gop_size: Option<u32>,
    max_b_frames: Option<u32>,
    threads: u32,
    codes_fields: bool,
    global_header: bool,
    teardown: Teardown,
}

/// A finer time base is a clock, not a frame rate.
const HIGHEST_FRAME_RATE: i64 = 500;

impl<'d, M: Memory, O: Encodes<M>> Encoder<'d, M, Configured<O>> {
    /// What it cannot do without: the pool its frames come from (or one like it), their clock, and the codec with its options.
    /// Colour, aspect ratio, HDR metadata and frame rate are the pool's, where it knows them ([`Frame::pool`](crate::Frame::pool)).
    pub fn new(pool: &FramePool<'d, M>, time_base: TimeBase, options: O) -> Self {
        let FramePool { source, .. } = pool.clone();
        Encoder::with(Configured {
            options,
            format: pool.format(),
            memory: source.into_buffer(),
            device: None,
            time_base,
            picture: pool.picture().clone(),
            frame_rate: None,
            bit_rate: None,
            max_bit_rate: None,
            buffer_size: None,
            gop_size: None,
            max_b_frames: None,
            threads: 0,
            codes_fields: false,
            global_header: false,
            teardown: Teardown::default(),
        })
    }
    /// Average bit rate, in bits per second.
    pub fn bit_rate(mut self, bits_per_second: u64) -> Self {
        self.state.bit_rate = Some(bits_per_second);
        self
    }
    /// Highest bit rate, in bits per second, over what [`buffer_size`](Self::buffer_size) holds (rc_max_rate).
    pub fn max_bit_rate(mut self, bits_per_second: u64) -> Self {
        self.state.max_bit_rate = Some(bits_per_second);
        self
    }
    /// Size of the decoder's buffer that the rate control keeps to, in bits (rc_buffer_size).
    pub fn buffer_size(mut self, bits: u32) -> Self {
        self.state.buffer_size = Some(bits);
        self
    }
    /// Frames from one keyframe to the next at most.
    pub fn gop_size(mut self, frames: u32) -> Self {
        self.state.gop_size = Some(frames);
        self
    }
    /// B-frames in a row at most.
    pub fn max_b_frames(mut self, frames: u32) -> Self {
        self.state.max_b_frames = Some(frames);
        self
    }
    /// Frames per second, as a ratio: 30000, 1001 for NTSC. The rate control divides the bit rate by it.
    pub fn frame_rate(mut self, num: u32, den: u32) -> Self {
        self.state.frame_rate = Some((num, den));
        self
    }
    /// How the colours are to be understood; written to the stream.
    pub fn color(mut self, color: Color) -> Self {
        self.state.picture.color = color;
        self
    }
    /// Width to height of one sample: 1, 1 for square ones.
    pub fn sample_aspect_ratio(mut self, num: u32, den: u32) -> Self {
        let part = |value| i32::try_from(value).unwrap_or(0);
        self.state.picture.sample_aspect_ratio = Ratio { num: part(num), den: part(den) };
        self
    }
    /// Codes the two fields of interlaced pictures as such (AV_CODEC_FLAG_INTERLACED_DCT), in that order. libx264, mpeg4 and mpeg2video do so
    /// without a word where the pool's frames are interlaced. The others are asked, since many cannot: NVENC gave it up with Turing. What
    /// they encode is marked as interlaced in the container alone.
    pub fn field_order(mut self, order: FieldOrder) -> Self {
        self.state.picture.field_order = Some(order);
        self.state.codes_fields = true;
        self
    }
    /// Leaves the parameter sets out of the packets: the application hands [`extradata`](Encoder::extradata) on in
    /// another way, such as a session description. A muxer whose container has a place for them says so by itself.
    pub fn global_header(mut self) -> Self {
        self.state.global_header = true;
        self
    }
    /// Threads of a software codec; 0, the default, leaves the number to it.
    pub fn threads(mut self, count: u32) -> Self {
        self.state.threads = count;
        self
    }
    /// How the codec is closed.
    pub fn teardown(mut self, teardown: Teardown) -> Self {
        self.state.teardown = teardown;
        self
    }
    /// The codec's own options, to change one and try `open` again.
    pub fn options_mut(&mut self) -> &mut O {
        &mut self.state.options
    }
    /// Builds a fresh AVCodecContext and opens it (avcodec_open2). A context whose opening failed has lost its options and is
    /// never used again.
    ///
    /// # Errors
    /// The configuration comes back with the reason: `OptionUnknown` (with the nearest name), `OptionUnavailable`,
    /// `InvalidSetting`, `Unsupported`, `DriverMissing`, `DriverTooOld`, `SessionLimit`, `OutOfMemory`, ...
    pub fn open(self) -> Result<Encoder<'d, M>, Failed<Self>> {
        match self.state.build(<M as sealed::Memory>::KIND) {
            Ok(core) => Ok(Encoder::with(Opened { core: Box::new(core) })),
            Err(error) => Err(Failed::new(error, self)),
        }
    }
}

impl<'d, O: Encodes<System>> Encoder<'d, System, Configured<O>> {
    /// Encodes on this device. Without it NVENC takes the first GPU that opens the encoder, on its primary context. The frames are copied to it by
    /// `send`, which [`transfer::stats`](crate::transfer::stats) counts.
    pub fn on<'e, M: DeviceMemory>(self, device: impl AsDevice<'e, Memory = M>) -> Encoder<'e, System, Configured<O>>
    where
        O: Encodes<M>,
    {
        let mut state = self.state;
        state.device = device.as_device().map(|device| device.try_clone().expect("memory for a reference"));
        Encoder::with(state)
    }
}

impl<O: super::Options> Configured<O> {
    fn build(&self, kind: Kind) -> Result<EncoderCore> {
        let mut context = CodecContext::encoder(self.options.name())?;
        if let Some(pool) = &self.memory {
            return self.build_with(context, kind, Some(pool), None);
        }
        let backend = context.backend().filter(|backend| backend.uploads_host_frames());
        let Some(backend) = backend else {
            return self.build_with(context, kind, None, self.device.as_ref());
        };
        context.check_takes_pixels(self.format.pixels)?;
        // What is wrong with the options shows without a driver.
        let settings = self.options.settings();
        context.set_options(&settings)?;
        if let Some(device) = &self.device {
            return self.build_uploading(backend, device);
        }
        match backend.device_in_options(&settings).and_then(|ordinal| backend.device(ordinal)) {
            Some(device) => self.build_uploading(backend, &device?),
            None => self.build_on_any(backend),
        }
    }
    /// On the first device that opens the encoder: some GPUs decode alone.
    fn build_on_any(&self, backend: &'static dyn Backend) -> Result<EncoderCore> {
        let mut first = None;
        for device in (0..=u32::MAX).map_while(|ordinal| backend.device(ordinal)) {
            let device = match device {
                Ok(device) => device,
                Err(none_left) => return Err(first.unwrap_or(none_left)),
            };
            match self.build_uploading(backend, &device) {
                Ok(core) => return Ok(core),
                Err(error) => drop(first.get_or_insert(error)),
            }
        }
        Err(first.unwrap_or_else(|| Error::new(ErrorKind::NoDevice, "open")))
    }
    /// Host frames go into a pool of the encoder's own.
    fn build_uploading(&self, backend: &'static dyn Backend, device: &BufferRef) -> Result<EncoderCore> {
        let pool = BufferRef::frames(device, Kind::Device(backend), self.format)?;
        self.build_with(CodecContext::encoder(self.options.name())?, Kind::System, Some(&pool), None)
    }
    fn build_with(
        &self,
        mut context: CodecContext,
        kind: Kind,
        pool: Option<&BufferRef>,
        device: Option<&BufferRef>,
    ) -> Result<EncoderCore> {
        let picture = Picture { frame_rate: self.check()?, ..self.picture.clone() };
        context.set_up_encoder(&EncoderSetup {
            format: self.format,
            memory: pool,
            device,
            time_base: self.time_base.ratio(),
            frame_rate: picture.frame_rate,
            picture: &picture,
            codes_fields: self.codes_fields,
            bit_rate: self.bit_rate,
            max_bit_rate: self.max_bit_rate,
            buffer_size: self.buffer_size,
            gop_size: self.gop_size,
            max_b_frames: self.max_b_frames,
            threads: self.threads,
        })?;
        let settings = self.options.settings();
        context.set_options(&settings)?;
        context.open()?;
        let codec = context.codec_id();
        let uploads = self.memory.is_none() && pool.is_some();
        let device = match (pool, device) {
            (Some(pool), _) => Some(pool.frames_device()?),
            (None, Some(device)) => Some(device.try_clone()?),
            (None, None) => None,
        };
        let kind = match (kind, &self.memory) {
            (Kind::Any, Some(pool)) => pool.frames_kind().unwrap_or(Kind::Any),
            (Kind::Any, None) => Kind::System,
            (kind, _) => kind,
        };
        let on_device = device.as_ref().filter(|_| self.memory.is_some()).map(BufferRef::try_clone).transpose()?;
        let accepts = Accepts { kind, format: self.format, device: on_device };
        let intake = Intake::new(accepts, pool.map(BufferRef::try_clone).transpose()?, uploads);
        // Known: `check` has found one.
        let period =
            Ratio { num: picture.frame_rate.den, den: picture.frame_rate.num }.rescale(1, self.time_base.ratio());
        let backend = context.backend();
        let shifts = backend.is_some_and(|backend| backend.shifts_dts_by_ticks());
        let reorder = shifts.then(|| Reorder::new(context.reorder_depth(), period));
        let constant = self.buffer_size.is_some() && self.max_bit_rate.is_some() && self.max_bit_rate <= self.bit_rate;
        let rereads_bit_rate = self.options.rereads_bit_rate(constant);
        Ok(EncoderCore {
            core: Core::new(context, device, self.teardown),
            intake,
            time_base: self.time_base.ratio(),
            picture,
            origin: Origin::encoder(codec),
            period,
            reorder,
            ending: false,
            packets: Supply::new(),
            pending: Default::default(),
            deferred: None,
            force_keyframe: false,
            rereads_bit_rate,
            refused_bit_rate: backend.and_then(|backend| backend.refused_bit_rate()),
            standing_bit_rates: None,
            extradata_in_container: AtomicBool::new(self.global_header),
        })
    }
    fn asked_frame_rate(&self) -> Result<Option<Ratio>> {
        let Some((num, den)) = self.frame_rate else { return Ok(None) };
        match (i32::try_from(num), i32::try_from(den)) {
            (Ok(num @ 1..), Ok(den @ 1..)) => Ok(Some(Ratio { num, den })),
            _ => Err(Error::invalid(
                "frame_rate",
                format!("{num}/{den} frames a second is no frame rate: both must be from 1 to {}", i32::MAX),
            )),
        }
    }
    /// Checks what FFmpeg would take in silence, and gives the frame rate: a coarse time base is one, as FFmpeg has it too.
    fn check(&self) -> Result<Ratio> {
        let TimeBase { num, den } = self.time_base;
        if num <= 0 || den <= 0 {
            return Err(Error::invalid("time_base", format!("{num}/{den} is no time base: both must be above 0")));
        }
        self.bit_rate.map_or(Ok(()), |rate| check_bit_rate("bit_rate", rate))?;
        self.max_bit_rate.map_or(Ok(()), |rate| check_bit_rate("max_bit_rate", rate))?;
        if let Some(threads) = Some(self.threads).filter(|threads| *threads > MOST_THREADS) {
            return Err(Error::invalid(
                "threads",
                format!("{threads} threads are too many: {MOST_THREADS} at most, 0 for as many as fit"),
            ));
        }
        if let Some(frames) = self.max_b_frames.filter(|frames| *frames > MOST_B_FRAMES) {
            return Err(Error::invalid(
                "max_b_frames",
                format!("{frames} B-frames in a row are too many: {MOST_B_FRAMES} at most"),
            ));
        }
        let rate = self.asked_frame_rate()?.unwrap_or(self.picture.frame_rate);
        if rate.is_known() {
            return Ok(rate);
        }
        if i64::from(den) > i64::from(num) * HIGHEST_FRAME_RATE {
            return Err(Error::new(ErrorKind::InvalidSetting { name: "frame_rate".into() }, "configure").detail(format!(
                "the frame rate is not known, and a time base of {num}/{den} does not tell it: say it with frame_rate(num, den), \
                 for the rate control divides the bit rate by it"
            )));
        }
        Ok(Ratio { num: den, den: num })
    }
}

/// More than any codec here runs.
const MOST_THREADS: u32 = 1024;
/// What FFmpeg and its libraries take (MAX_B_FRAMES); NVENC and VA-API take fewer.
const MOST_B_FRAMES: u32 = 16;

/// NVENC counts in 32 bits: of a higher rate FFmpeg would pass on the lower half, and reconfigure the encoder with each frame.
pub(super) fn check_bit_rate(name: &str, rate: u64) -> Result<()> {
    match rate {
        0 => Err(Error::invalid(name, "a bit rate of 0 is none: leave it out for the codec's default")),
        _ if rate > u64::from(u32::MAX) => {
            Err(Error::invalid(name, format!("a bit rate of {rate} is too high: {} at most", u32::MAX)))
        }
        _ => Ok(()),
    }
}
