//! A game streamer's session: lives for hours on a thread of its own, is told what to do over a channel, and encodes
//! pictures that the game renders into CUDA memory of the application's.
//!
//! Changed since the sketch: `main` is `pub`; `Teardown` has no `close_within` any more, which is a call of its own.
use avsluice::{
    Cuda, Device, Encoder, Error, Format, Frame, FramePool, Limit, Packet, PixelFormat, Result, Settle, Teardown,
    TeardownReport, TimeBase, cuda, nvenc,
};
use std::sync::{Arc, mpsc::Receiver};
use std::time::Duration;

/// What the renderer draws into: it goes back to the renderer's ring when the encoder lets go of it.
struct Rendered {
    planes: [(cuda::Pointer, usize); 2],
    pts: i64,
    size: (u32, u32),
    ring: std::sync::mpsc::Sender<[(cuda::Pointer, usize); 2]>,
}
// SAFETY: the ring's pictures are NV12, allocated in the renderer's context, and freed after the session's thread ended.
#[allow(unsafe_code)]
unsafe impl cuda::Picture for Rendered {
    fn planes(&self) -> &[(cuda::Pointer, usize)] {
        &self.planes
    }
}
impl Drop for Rendered {
    fn drop(&mut self) {
        let _ = self.ring.send(self.planes);
    }
}

enum Command {
    Picture(Rendered),
    BitRate(u64),
    Keyframe,
    Stop,
}

/// No lifetime, no `Option`: a new encoder replaces the old one.
struct Session {
    device: Arc<Device<Cuda>>,
    pool: FramePool<'static, Cuda>,
    encoder: Encoder<'static, Cuda>,
    bit_rate: u64,
}

impl Session {
    fn new(device: Arc<Device<Cuda>>, width: u32, height: u32, bit_rate: u64) -> Result<Self> {
        let pool = FramePool::new(&device, Format { width, height, pixels: PixelFormat::Nv12 })?;
        let encoder = low_latency(&pool, bit_rate)?;
        Ok(Session { device, pool, encoder, bit_rate })
    }

    fn run(
        mut self,
        commands: Receiver<Command>,
        mut network: impl FnMut(Packet) -> Result<()>,
    ) -> Result<TeardownReport> {
        for command in commands {
            match command {
                Command::Picture(picture) => self.encode(picture, &mut network)?,
                Command::BitRate(rate) => {
                    self.bit_rate = rate;
                    self.encoder.set_bit_rate(rate)?;
                }
                Command::Keyframe => self.encoder.force_keyframe()?,
                Command::Stop => break,
            }
        }
        Ok(self.encoder.flush()?.finish(Limit::default(), network)?.free())
    }

    fn encode(&mut self, picture: Rendered, network: &mut impl FnMut(Packet) -> Result<()>) -> Result<()> {
        if (self.pool.format().width, self.pool.format().height) != picture.size {
            self.resize(picture.size, network)?;
        }
        let pts = picture.pts;
        let mut frame = self.pool.import(picture)?;
        frame.set_pts(pts);
        match self.encoder.send(frame) {
            Ok(mut packets) => packets.try_for_each(|packet| network(packet?)),
            // The driver was reset, say: the frame is back, and a new encoder takes it.
            Err(failed) if failed.error().is_fatal() => self.restart(failed.into_value(), network),
            Err(failed) => Err(failed.into_error()),
        }
    }

    fn resize(&mut self, (width, height): (u32, u32), network: &mut impl FnMut(Packet) -> Result<()>) -> Result<()> {
        let pool = FramePool::new(&self.device, Format { width, height, ..self.pool.format() })?;
        let encoder = low_latency(&pool, self.bit_rate)?;
        let old = std::mem::replace(&mut self.encoder, encoder);
        self.pool = pool;
        println!(
            "{}",
            old.flush()?.finish(Limit { time: Duration::from_millis(200), ..Limit::default() }, network)?.free()
        );
        Ok(())
    }

    fn restart(&mut self, frame: Frame<'static, Cuda>, network: &mut impl FnMut(Packet) -> Result<()>) -> Result<()> {
        let encoder = low_latency(&self.pool, self.bit_rate)?;
        let old = std::mem::replace(&mut self.encoder, encoder);
        if let Err(closed) = old.flush() {
            println!("{}", closed.into_value().free()); // a poisoned encoder's flush closes it
        }
        self.encoder.send(frame)?.try_for_each(|packet| network(packet?))
    }
}

fn low_latency(pool: &FramePool<'static, Cuda>, bit_rate: u64) -> Result<Encoder<'static, Cuda>> {
    let options = nvenc::H264::new().tune(nvenc::Tune::UltraLowLatency).rc(nvenc::RateControl::Cbr);
    let teardown = Teardown { settle: Settle::Synchronize };
    let encoder =
        Encoder::new(pool, TimeBase::hz(90_000), options).bit_rate(bit_rate).frame_rate(60, 1).teardown(teardown);
    Ok(encoder.open()?)
}

pub fn main() -> Result<()> {
    let (context, renderer) = (cuda::Context(std::ptr::null_mut()), Arc::new(())); // the renderer's
    // SAFETY: `renderer` owns the context and destroys it when it is dropped.
    #[allow(unsafe_code)]
    let device = Arc::new(unsafe { Device::from_cuda_context(context, renderer) }?);
    let session = Session::new(Arc::clone(&device), 1920, 1080, 20_000_000)?;

    let (_commands, inbox) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || session.run(inbox, |packet| send_somewhere(packet.data())));
    println!("{}", thread.join().expect("the session panicked")?);

    Arc::into_inner(device).ok_or_else(|| Error::other("the device is still shared"))?.close()?;
    Ok(())
}

/// The same session in an async task: it is `Send`, and nothing of it is lent.
#[allow(dead_code)]
async fn in_a_task(mut session: Session, picture: Rendered) -> Result<()> {
    let mut out = Vec::new();
    session.encode(picture, &mut |packet| {
        out.push(packet);
        Ok(())
    })?;
    std::future::ready(()).await; // `session` and the packets live across the await
    out.iter().try_for_each(|packet| send_somewhere(packet.data()))
}
#[allow(dead_code)]
fn spawnable(session: Session, picture: Rendered) -> impl Future<Output = Result<()>> + Send + 'static {
    in_a_task(session, picture)
}

fn send_somewhere(_data: &[u8]) -> Result<()> {
    Ok(())
}
