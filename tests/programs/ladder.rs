//! One decode, three encoders, each on a thread of its own. The frames are shared by reference.
//!
//! Changed since the sketch: `main` is `pub`; `extra_frames` is called `extra_frames`.
use avsluice::{
    Cuda, Decoder, Demuxer, Device, Encoder, Error, Frame, Limit, Memory, Muxer, Result, TeardownReport, nvenc, x264,
};
use std::{sync::mpsc::sync_channel, thread};

pub fn main() -> Result<()> {
    let device = Device::cuda(0)?;
    let mut input = Demuxer::open("in.mp4")?;
    let video = input.video()?;
    let clock = video.time_base();

    // Distinct frames out at once: 4 queued for the slowest rung, 1 in hand, and what the slowest encoder holds (a guess: 16).
    let decoder = Decoder::new(&device, &video).extra_frames(4 + 1 + 16).open()?;
    let mut frames = decoder.frames(input.packets(&video));
    let pool = frames.pool()?;

    thread::scope(|scope| {
        let (to_avc, avc) = sync_channel(4);
        let (to_hevc, hevc) = sync_channel(4);
        let (to_soft, soft) = sync_channel(4);

        let options = nvenc::H264::new().tune(nvenc::Tune::HighQuality);
        let encoder = Encoder::new(&pool, clock, options).bit_rate(8_000_000).open()?;
        let avc = scope.spawn(move || rung(encoder, avc.into_iter().map(Ok), "avc.mp4"));

        let options = nvenc::Hevc::new().preset(nvenc::Preset::P6).spatial_aq(true);
        let encoder = Encoder::new(&pool, clock, options).bit_rate(4_000_000).open()?;
        let hevc = scope.spawn(move || rung(encoder, hevc.into_iter().map(Ok), "hevc.mp4"));

        // The software rung: the download is a word of its own, and runs on the rung's thread.
        let options = x264::H264::new().preset(x264::Preset::Veryfast).crf(23.0);
        let encoder = Encoder::new(&pool.host(), clock, options).open()?;
        let soft =
            scope.spawn(move || rung(encoder, soft.into_iter().map(|frame: Frame<Cuda>| frame.download()), "soft.mp4"));

        for frame in &mut frames {
            let frame = frame?;
            // A rung that has failed hangs up; its error comes from `join`.
            let sent = to_avc.send(frame.try_clone()?).and(to_hevc.send(frame.try_clone()?)).and(to_soft.send(frame));
            if sent.is_err() {
                break;
            }
        }
        drop((to_avc, to_hevc, to_soft));
        for rung in [avc, hevc, soft] {
            println!("{}", rung.join().expect("a rung panicked")?);
        }
        Ok::<(), Error>(())
    })?;

    drop(pool); // without this line `device.close()` does not compile: the pool is the device's
    println!("decoder: {}", frames.close().free());
    device.close()?;
    Ok(())
}

fn rung<'d, M: Memory>(
    mut encoder: Encoder<'d, M>,
    frames: impl Iterator<Item = Result<Frame<'d, M>>>,
    path: &str,
) -> Result<TeardownReport> {
    let mut output = Muxer::create(path)?;
    let track = output.add(&encoder)?;
    let mut output = output.open()?;
    for frame in frames {
        for packet in encoder.send(frame?)? {
            output.write(track, packet?)?;
        }
    }
    let encoder = encoder.flush()?.finish(Limit::default(), |packet| output.write(track, packet))?;
    output.finish()?;
    Ok(encoder.free())
}
