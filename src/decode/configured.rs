//! A decoder to be: plain data. No FFmpeg object exists yet.

use super::{Decoder, Opened, OrSystem, Output, core::DecoderCore};
use crate::{
    AsDevice, DeviceMemory, Error, ErrorKind, Failed, Memory, Result, Stream, Teardown,
    codec::Core,
    raw::{
        BufferRef, CodecContext, avcodec::context::DecoderSetup, avutil::picture::StreamFacts, recycle::Supply, sealed,
    },
};

/// Plain data: the settings of a decoder to be. No FFmpeg object exists yet.
pub struct Configured {
    stream: Stream,
    device: Option<BufferRef>,
    name: Option<String>,
    extra_frames: Option<u32>,
    surfaces: Surfaces,
    threads: u32,
    teardown: Teardown,
}

/// Whose memory decoded frames are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Surfaces {
    /// Copies, made within the device: they may be held as long, and as many, as there is memory. From FFmpeg 6.0 on nvdec makes
    /// them itself; before, avsluice does. VA-API has no such copy: its frames are the decoder's own in either case.
    #[default]
    Copied,
    /// The decoder's own surfaces, of which NVDEC has 32: say with [`extra_frames`](Decoder::extra_frames) how many are
    /// kept at once. Drop them before the decoder is closed.
    Direct,
}

impl<'d, M: Memory> Decoder<'d, M, Configured> {
    /// Decodes on that device or not at all; `Decoder::new(System, ..)` decodes in software.
    pub fn new(on: impl AsDevice<'d, Memory = M>, stream: &Stream) -> Self {
        Decoder::with(Configured {
            stream: stream.clone(),
            device: on.as_device().map(|device| device.try_clone().expect("memory for a reference")),
            name: None,
            extra_frames: None,
            surfaces: Surfaces::default(),
            threads: 0,
            teardown: Teardown::default(),
        })
    }
}

impl<'d, M: DeviceMemory> Decoder<'d, M, Configured> {
    /// Decodes in software what the device cannot, and says of each frame which it was.
    pub fn or_system(self) -> Decoder<'d, OrSystem<M>, Configured> {
        Decoder::with(self.state)
    }
}

impl<'d, Y: Output> Decoder<'d, Y, Configured> {
    /// FFmpeg's decoder of that name instead of its first choice: `h264_cuvid` is NVIDIA's parser and decoder in one.
    pub fn codec(mut self, name: &str) -> Self {
        self.state.name = Some(name.into());
        self
    }
    /// Frames that the application holds at once, beyond what the codec needs (extra_hw_frames): it sizes the decoder's
    /// own surfaces. Holding more of them than that is `PoolExhausted`. The default is what an encoder holds (8) where
    /// a frame always is one of the decoder's own surfaces, as with VA-API, and 0 elsewhere. Where frames are copies
    /// (CUDA, [`Surfaces::Copied`]) or host memory, there is nothing to be sized, and it does nothing.
    pub fn extra_frames(mut self, frames: u32) -> Self {
        self.state.extra_frames = Some(frames);
        self
    }
    /// Whose memory decoded frames are in.
    pub fn surfaces(mut self, surfaces: Surfaces) -> Self {
        self.state.surfaces = surfaces;
        self
    }
    /// Threads of a software decoder; 0, the default, is one for each core. Hardware decoders run with one.
    pub fn threads(mut self, count: u32) -> Self {
        self.state.threads = count;
        self
    }
    /// How the codec is closed.
    pub fn teardown(mut self, teardown: Teardown) -> Self {
        self.state.teardown = teardown;
        self
    }
    /// Builds a fresh AVCodecContext and opens it (avcodec_open2).
    ///
    /// # Errors
    /// The configuration comes back with the reason: `Unsupported` if the stream is no video, if FFmpeg has no such decoder, or none
    /// that puts frames of this codec into the device's memory; what the driver reports. Whether the device decodes this very stream
    /// shows with its first packets.
    pub fn open(self) -> Result<Decoder<'d, Y>, Failed<Self>> {
        match self.state.build::<Y>() {
            Ok(core) => Ok(Decoder::with(Opened { core: Box::new(core) })),
            Err(error) => Err(Failed::new(error, self)),
        }
    }
}

impl Configured {
    fn build<Y: Output>(&self) -> Result<DecoderCore> {
        let kind = <Y as sealed::Output>::KIND;
        let or_system = <Y as sealed::Output>::OR_SYSTEM;
        let mut context = CodecContext::decoder(self.stream.parameters(), self.name.as_deref())?;
        if !context.decodes_into(kind) && !or_system {
            return Err(Error::new(ErrorKind::Unsupported, "avcodec_get_hw_config").detail(format!(
                "{} does not decode into {kind}: use or_system(), or Decoder::new(System, ..)",
                context.name()
            )));
        }
        // Copies take none of the decoder's surfaces: more of them than a GPU has would be asked for in vain.
        let lent = self.surfaces == Surfaces::Direct || kind.is(|backend| backend.lends_surfaces());
        let extra_frames = if lent { self.extra_frames.unwrap_or(kind.held_by_default()) } else { 0 };
        context.set_up_decoder(&DecoderSetup {
            device: self.device.as_ref(),
            kind,
            or_system,
            time_base: self.stream.ratio(),
            frame_rate: self.stream.rate(),
            extra_frames,
            direct_surfaces: self.surfaces == Surfaces::Direct,
            threads: self.threads,
        })?;
        context.open()?;
        let share = |device: &Option<BufferRef>| device.as_ref().map(BufferRef::try_clone).transpose();
        Ok(DecoderCore {
            core: Core::new(context, share(&self.device)?, self.teardown),
            kind,
            or_system,
            fallen_back: false,
            surfaces: self.surfaces,
            extra_frames: self.extra_frames.map_or(0, |_| extra_frames),
            time_base: self.stream.ratio(),
            frame_rate: self.stream.rate(),
            origin: self.stream.info().origin,
            device: share(&self.device)?,
            clock: Default::default(),
            place: None,
            checked: None,
            damage: Default::default(),
            last_failure: None,
            facts: StreamFacts::of(self.stream.parameters()),
            copies: None,
            frames: Supply::new(),
            pending: Default::default(),
        })
    }
}
