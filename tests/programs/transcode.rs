//! File -> nvdec -> h264_nvenc -> file. No frame leaves the GPU.
//!
//! Changed since the sketch: `main` is `pub`.
use avsluice::{Decoder, Demuxer, Device, Encoder, Limit, Muxer, Result, nvenc};

pub fn main() -> Result<()> {
    let device = Device::cuda(0)?;
    let mut input = Demuxer::open("in.mp4")?;
    let video = input.video()?;

    let mut frames = Decoder::new(&device, &video).open()?.frames(input.packets(&video));

    // The pool exists once the first frame is decoded. `pool` decodes that far and keeps the frame for the loop.
    let options = nvenc::H264::new().preset(nvenc::Preset::P5).rc(nvenc::RateControl::Vbr);
    let mut encoder = Encoder::new(&frames.pool()?, video.time_base(), options).bit_rate(6_000_000).open()?;

    let mut output = Muxer::create("out.mp4")?;
    let track = output.add(&encoder)?;
    let mut output = output.open()?;

    for frame in &mut frames {
        for packet in encoder.send(frame?)? {
            output.write(track, packet?)?;
        }
    }
    let encoder = encoder.flush()?.finish(Limit::default(), |packet| output.write(track, packet))?;
    output.finish()?;

    println!("encoder: {}", encoder.free());
    println!("decoder: {}", frames.close().free());
    device.close()?;
    Ok(())
}
