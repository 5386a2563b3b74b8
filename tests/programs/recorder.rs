//! A screen recorder: DMA-BUF -> H.264 -> file, on the backend that a configuration names.
//!
//! Changed since the sketch: `main` is `pub`; there is no filter yet, so that the screen is taken as NV12 and in its own size.
use avsluice::{
    Any, Device, Encoder, Format, Frame, FramePool, Limit, Muxer, PixelFormat, Result, System, TimeBase, drm::DmaBuf,
    nvenc, vaapi, x264,
};
use std::sync::Arc;

const CLOCK: TimeBase = TimeBase::hz(60);
const SCREEN: Format = Format { width: 1920, height: 1080, pixels: PixelFormat::Nv12 };

/// All that depends on the backend, with the memory kind erased.
struct Backend {
    import: Box<dyn FnMut(DmaBuf) -> Result<Frame<'static, Any>> + Send>,
    encoder: Encoder<'static, Any>,
}

impl Backend {
    fn open(name: &str) -> Result<Self> {
        match name {
            // The GPU reads the compositor's buffer: nothing is copied.
            "vaapi" => {
                let device = Arc::new(Device::vaapi("/dev/dri/renderD128")?);
                let screen = FramePool::new(&device, SCREEN)?;
                let options = vaapi::H264::new().rc_mode(vaapi::RateControl::Vbr);
                let encoder = Encoder::new(&screen, CLOCK, options).bit_rate(12_000_000).open()?;
                let import = move |buffer| Ok(screen.import(buffer)?.erase());
                Ok(Backend { import: Box::new(import), encoder: encoder.erase() })
            }
            // A copy through the host: `copy` and `upload` say so.
            "nvenc" => {
                let device = Arc::new(Device::cuda(0)?);
                let screen = FramePool::new(System, SCREEN)?;
                let pool = FramePool::new(&device, SCREEN)?;
                let encoder = Encoder::new(&pool, CLOCK, nvenc::H264::new()).bit_rate(12_000_000).open()?;
                let import = move |buffer| Ok(screen.copy(&buffer)?.upload(&pool)?.erase());
                Ok(Backend { import: Box::new(import), encoder: encoder.erase() })
            }
            _ => {
                let screen = FramePool::new(System, SCREEN)?;
                let options = x264::H264::new().preset(x264::Preset::Ultrafast);
                let encoder = Encoder::new(&screen, CLOCK, options).bit_rate(12_000_000).open()?;
                let import = move |buffer| Ok(screen.copy(&buffer)?.erase());
                Ok(Backend { import: Box::new(import), encoder: encoder.erase() })
            }
        }
    }
}

pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = std::env::args().nth(1).unwrap_or("vaapi".into());
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

fn capture() -> impl Iterator<Item = DmaBuf> {
    std::iter::empty()
}
