//! A screen recorder: pictures of the host's -> H.264 -> file, on the backend that a configuration names.
//!
//! Changed since the sketch: `main` is `pub`; what needs filters, VAAPI or DMA-BUF is left out: the "vaapi" backend, the
//! scaling, and the import of the compositor's buffers. `fill` writes the picture into a frame of host memory instead.
use avsluice::{
    Any, Device, Encoder, Format, Frame, FramePool, Limit, Muxer, PixelFormat, Result, System, TimeBase, nvenc, x264,
};
use std::sync::Arc;

const CLOCK: TimeBase = TimeBase::hz(60);

/// All that depends on the backend, with the memory kind erased.
struct Backend {
    import: Box<dyn FnMut(Picture) -> Result<Frame<'static, Any>> + Send>,
    encoder: Encoder<'static, Any>,
}

impl Backend {
    fn open(name: &str) -> Result<Self> {
        match name {
            // A copy to the device: `upload` says so.
            "nvenc" => {
                let device = Arc::new(Device::cuda(0)?);
                let screen = FramePool::new(System, screen(PixelFormat::Nv12))?;
                let pool = FramePool::new(&device, screen.format())?;
                let encoder = Encoder::new(&pool, CLOCK, nvenc::H264::new()).bit_rate(12_000_000).open()?;
                let import = move |picture| Ok(fill(screen.frame()?, picture).upload(&pool)?.erase());
                Ok(Backend { import: Box::new(import), encoder: encoder.erase() })
            }
            _ => {
                let screen = FramePool::new(System, screen(PixelFormat::Yuv420p))?;
                let options = x264::H264::new().preset(x264::Preset::Ultrafast);
                let encoder = Encoder::new(&screen, CLOCK, options).bit_rate(12_000_000).open()?;
                let import = move |picture| Ok(fill(screen.frame()?, picture).erase());
                Ok(Backend { import: Box::new(import), encoder: encoder.erase() })
            }
        }
    }
}

fn screen(pixels: PixelFormat) -> Format {
    Format { width: 1920, height: 1080, pixels }
}

/// A stand-in for the capture's picture: grey levels.
struct Picture(Vec<u8>);

fn fill(mut frame: Frame<'static, System>, picture: Picture) -> Frame<'static, System> {
    let columns = frame.format().width as usize;
    if let Some(luma) = frame.plane_mut(0) {
        for (line, row) in luma.lines_mut().zip(picture.0.chunks_exact(columns)) {
            line.copy_from_slice(row);
        }
    }
    frame
}

pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = std::env::args().nth(1).unwrap_or("nvenc".into());
    let Backend { mut import, mut encoder } = Backend::open(&config)?;

    let mut output = Muxer::create("screen.mkv")?;
    let track = output.add(&encoder)?;
    let mut output = output.open()?;

    for (pts, picture) in (0..).zip(capture()) {
        let mut frame = import(picture)?;
        frame.set_pts(pts);
        for packet in encoder.send(frame)? {
            output.write(track, packet?)?;
        }
    }
    let encoder = encoder.flush()?.finish(Limit::default(), |packet| output.write(track, packet))?;
    output.finish()?;
    println!("encoder: {}", encoder.free());
    Ok(())
}

fn capture() -> impl Iterator<Item = Picture> {
    std::iter::empty()
}
