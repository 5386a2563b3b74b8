//! Decode to CUDA memory and hand the pointers to a CUDA library. Nothing is downloaded.
//!
//! Changed since the sketch: `main` is `pub`; `extra_frames` is called `extra_frames`.
use avsluice::{Cuda, Decoded, Decoder, Demuxer, Device, Frame, FramePool, Result, cuda};

/// A stand-in for cudarc and a kernel of the application's.
mod kernels {
    pub struct Stream(pub *mut std::ffi::c_void);
    /// # Safety
    /// `pointer` is device memory of `pitch * rows` bytes that nothing writes until the kernel is done.
    #[allow(unsafe_code)]
    pub unsafe fn motion(_on: &Stream, _pointer: u64, _pitch: usize, _columns: usize, _rows: usize) -> f32 {
        0.0
    }
}

pub fn main() -> Result<()> {
    let device = Device::cuda(0)?;
    let stream = kernels::Stream(device.stream().0);
    let mut input = Demuxer::open("in.mp4")?;
    let video = input.video()?;
    let decoder = Decoder::new(&device, &video).extra_frames(4).open()?;

    let mut last: Option<Frame<Cuda>> = None; // the previous picture stays on the device
    for frame in decoder.frames(input.packets(&video)) {
        let frame = frame?;
        println!("{:?}: {}", frame.pts(), score(&stream, &frame));
        last = Some(frame);
    }
    drop(last);
    with_fallback(&device, &stream)
}

fn score(stream: &kernels::Stream, frame: &Frame<Cuda>) -> f32 {
    let luma = frame.plane(0);
    let pointer: cuda::Pointer = luma.data;
    // SAFETY: the plane is borrowed from the frame, and the kernel runs on the stream that decoded it, and returns when done.
    #[allow(unsafe_code)]
    unsafe {
        kernels::motion(stream, pointer, luma.pitch, luma.row_bytes, luma.rows)
    }
}

/// The same where a stream that the GPU cannot decode is decoded in software: the type says that it may be either.
fn with_fallback(device: &Device<Cuda>, stream: &kernels::Stream) -> Result<()> {
    let mut input = Demuxer::open("odd.mkv")?;
    let video = input.video()?;
    let decoder = Decoder::new(device, &video).or_system().open()?;
    let mut pool: Option<FramePool<Cuda>> = None;
    for frame in decoder.frames(input.packets(&video)) {
        let frame = match frame? {
            Decoded::Device(frame) => frame,
            Decoded::System(frame) => {
                let pool = match &pool {
                    Some(pool) => pool,
                    None => pool.insert(FramePool::new(device, frame.format())?),
                };
                frame.upload(pool)?
            }
        };
        println!("{:?}: {}", frame.pts(), score(stream, &frame));
    }
    Ok(())
}
