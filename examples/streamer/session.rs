//! The session: no lifetime, no `Option`; a new encoder replaces the old one when the pictures' size changes or the driver fails.

use crate::renderer::{Pictures, Rendered};
use avsluice::{
    Cuda, Device, Encoder, Format, Frame, FramePool, Limit, Packet, PixelFormat, Result, TeardownReport, TimeBase,
    nvenc,
};
use std::{
    sync::{Arc, mpsc::Receiver},
    time::Duration,
};

/// What the session is told.
pub enum Command {
    /// A picture to encode.
    Picture(Rendered),
    /// Average bit rate from the next picture on, in bits per second.
    BitRate(u64),
    /// The next picture is to be a keyframe: a viewer has joined, or lost packets.
    Keyframe,
}

type Network<'n> = &'n mut dyn FnMut(Packet) -> Result<()>;

pub struct Session {
    device: Arc<Device<Cuda>>,
    pool: FramePool<'static, Cuda>,
    encoder: Encoder<'static, Cuda>,
    /// The memory of the encoder's pictures. Fields are dropped in their order: the encoder before it.
    memory: Option<Arc<Pictures>>,
    bit_rate: u64,
}

impl Session {
    pub fn new(device: Arc<Device<Cuda>>, width: u32, height: u32, bit_rate: u64) -> Result<Self> {
        let pool = FramePool::new(&device, Format { width, height, pixels: PixelFormat::Nv12 })?;
        let encoder = low_latency(&pool, bit_rate)?;
        Ok(Session { device, pool, encoder, memory: None, bit_rate })
    }
    /// Until the channel closes; then what is inside comes out.
    pub fn run(mut self, commands: Receiver<Command>, network: Network<'_>) -> Result<TeardownReport> {
        for command in commands {
            match command {
                Command::Picture(picture) => self.encode(picture, network)?,
                Command::BitRate(rate) => {
                    self.bit_rate = rate;
                    self.encoder.set_bit_rate(rate)?;
                }
                Command::Keyframe => self.encoder.force_keyframe()?,
            }
        }
        let Session { encoder, memory, .. } = self;
        let report = encoder.flush()?.finish(Limit::default(), network)?.free();
        drop(memory);
        Ok(report)
    }
    fn encode(&mut self, picture: Rendered, network: Network<'_>) -> Result<()> {
        let (width, height) = picture.size();
        if (self.pool.format().width, self.pool.format().height) != (width, height) {
            self.resize(width, height, network)?;
        }
        let pts = picture.pts();
        self.memory.get_or_insert_with(|| picture.memory());
        let mut frame = self.pool.import(picture)?; // no copy; the picture goes back when the encoder has let go of it
        frame.set_pts(pts);
        match self.encoder.send(frame) {
            Ok(mut packets) => packets.try_for_each(|packet| network(packet?)),
            // The driver was reset, say: the frame is back, and a new encoder takes it.
            Err(failed) if failed.error().is_fatal() => {
                eprintln!("the encoder failed and is replaced: {failed}");
                self.restart(failed.into_value(), network)
            }
            Err(failed) => Err(failed.into_error()),
        }
    }
    fn resize(&mut self, width: u32, height: u32, network: Network<'_>) -> Result<()> {
        let pool = FramePool::new(&self.device, Format { width, height, ..self.pool.format() })?;
        let encoder = low_latency(&pool, self.bit_rate)?;
        let old = std::mem::replace(&mut self.encoder, encoder);
        self.pool = pool;
        let limit = Limit { time: Duration::from_millis(200), ..Limit::default() };
        println!("before the new size: {}", old.flush()?.finish(limit, network)?.free());
        self.memory = None; // the encoder that had it registered is closed
        Ok(())
    }
    fn restart(&mut self, frame: Frame<'static, Cuda>, network: Network<'_>) -> Result<()> {
        let encoder = low_latency(&self.pool, self.bit_rate)?;
        let old = std::mem::replace(&mut self.encoder, encoder);
        if let Err(closed) = old.flush() {
            println!("before the failure: {}", closed.into_value().free()); // a poisoned encoder's flush closes it
        }
        self.encoder.send(frame)?.try_for_each(|packet| network(packet?))
    }
}

fn low_latency(pool: &FramePool<'static, Cuda>, bit_rate: u64) -> Result<Encoder<'static, Cuda>> {
    let options = nvenc::H264::new().tune(nvenc::Tune::UltraLowLatency).rc(nvenc::RateControl::Cbr);
    let encoder = Encoder::new(pool, TimeBase::hz(90_000), options).bit_rate(bit_rate).frame_rate(60, 1);
    // Keyframes are forced where a viewer needs one, and cost too much to come by themselves.
    Ok(encoder.gop_size(u32::from(u16::MAX)).open()?)
}
