//! How long devices and codecs take from open to close, with nothing sent.
//!
//! On a machine with no NVIDIA GPU the driver is simulated, and the benchmarks' names say so: those figures are FFmpeg's and
//! avsluice's share alone.

#[path = "support/driver.rs"]
mod driver;

use avsluice::{
    Decoder, Demuxer, Device, Encoder, Format, FramePool, Memory, PixelFormat, Result, Stream, System, TimeBase,
    decode,
    encode::{Configured, Encodes},
    mpeg4, nvenc,
};
use criterion::Criterion;
use std::time::Duration;

const FORMAT: Format = Format { width: 640, height: 360, pixels: PixelFormat::Yuv420p };
const CLOCK: TimeBase = TimeBase::hz(25);

fn encoder<M: Memory, O: Encodes<M>>(encoder: Encoder<'_, M, Configured<O>>) -> Result<()> {
    encoder.open()?.flush()?.abandon().free();
    Ok(())
}

fn decoder<Y: decode::Output>(decoder: Decoder<'_, Y, decode::Configured>) -> Result<()> {
    decoder.open()?.flush()?.abandon().free();
    Ok(())
}

fn measure(criterion: &mut Criterion, name: &str, once: impl Fn() -> Result<()>) {
    if driver::skip(name, once()).is_none() {
        return;
    }
    criterion.bench_function(name, |bencher| bencher.iter(|| once().expect("it went well before")));
}

fn software(criterion: &mut Criterion, video: &Stream) -> Result<()> {
    let pool = FramePool::new(System, FORMAT)?;
    measure(criterion, "open_close/mpeg4 encoder", || {
        encoder(Encoder::new(&pool, CLOCK, mpeg4::Mpeg4::new()).threads(1))
    });
    measure(criterion, "open_close/h264 software decoder", || decoder(Decoder::new(System, video).threads(1)));
    Ok(())
}

fn hardware(criterion: &mut Criterion, video: &Stream) -> Result<()> {
    let label = driver::label()?;
    measure(criterion, &format!("open_close {label}/device"), || Ok(Device::cuda(0)?.close()?));
    let device = Device::cuda(0)?;
    let pool = FramePool::new(&device, Format { pixels: PixelFormat::Nv12, ..FORMAT })?;
    measure(criterion, &format!("open_close {label}/h264_nvenc"), || {
        encoder(Encoder::new(&pool, CLOCK, nvenc::H264::new()))
    });
    measure(criterion, &format!("open_close {label}/nvdec h264"), || decoder(Decoder::new(&device, video)));
    measure(criterion, &format!("open_close {label}/h264_cuvid"), || {
        decoder(Decoder::new(&device, video).codec("h264_cuvid"))
    });
    drop(pool);
    Ok(device.close()?)
}

fn open_close(criterion: &mut Criterion) {
    let video =
        Demuxer::open(media::standard().path).and_then(|input| input.video()).expect("the test stream is H.264");
    driver::skip("open_close", software(criterion, &video));
    driver::skip("open_close", hardware(criterion, &video));
}

// Written out, for what criterion_main! expands to has public functions without documentation.
fn main() {
    let criterion = Criterion::default().sample_size(10);
    let criterion = criterion.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
    let mut criterion = criterion.configure_from_args();
    open_close(&mut criterion);
    criterion.final_summary();
}
