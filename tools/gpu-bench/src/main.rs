//! How fast NVDEC decodes through avsluice: the start apart from the steady state, with one decoder and with several on one device,
//! beside the `ffmpeg` program on the same file where there is one.
//!
//! On the simulated driver every line says SIMULATED, and no rate is printed: it would be the processor's.

#![forbid(unsafe_code)]

mod program;

use anyhow::{Context, Result, bail};
use avsluice::{Cuda, Decoder, Demuxer, Device, Packet, Stream};
use clap::Parser;
use serde_json::json;
use std::{
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// Measures decoding on an NVIDIA GPU
#[derive(Parser)]
struct Args {
    /// The video to decode; it is read into memory and decoded again and again
    #[arg(long)]
    input: PathBuf,
    /// Seconds for each number of decoders
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Numbers of decoders that run at once
    #[arg(long, value_delimiter = ',', default_value = "1,2,4,8")]
    decoders: Vec<usize>,
    /// Lines of JSON instead of text
    #[arg(long)]
    json: bool,
    /// Run on the simulated driver where there is no GPU: to try the program, not the GPU
    #[arg(long)]
    simulated: bool,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let simulated = if args.simulated { simgpu::start_if_no_gpu()?.is_some() } else { false };
    let (stream, packets) = read(&args.input)?;
    let begun = Instant::now();
    let device = Arc::new(
        Device::cuda(0).context("no NVIDIA GPU can be used; with --simulated the program can be tried without one")?,
    );
    let device_made = begun.elapsed();
    let first = first_frame(&device, &stream, &packets)?;
    let say = Reporter { json: args.json, simulated, device: device.name()? };
    say.start(device_made, first);
    let time = Duration::from_secs(args.seconds);
    for &count in &args.decoders {
        say.rate(count, together(&device, &stream, &packets, count, time)?);
    }
    match program::rate(&args.input, time) {
        _ if simulated => {}
        Ok(Some(rate)) => say.program(rate),
        Ok(None) => say.note("there is no ffmpeg program on this machine to compare with"),
        Err(error) => say.note(&format!("the ffmpeg program cannot be compared with: {error:#}")),
    }
    match Arc::into_inner(device).map(Device::close) {
        Some(Ok(())) => Ok(()),
        Some(Err(left)) => Err(left.into_error().into()),
        None => bail!("the device is still shared"),
    }
}

/// The video's packets, in memory, so that no disk is measured.
fn read(path: &std::path::Path) -> Result<(Stream, Vec<Packet>)> {
    let mut input = Demuxer::open(path)?;
    let stream = input.video()?;
    let packets: Vec<_> = input.packets(&stream).collect::<Result<_, _>>()?;
    if packets.is_empty() { bail!("{} has no video", path.display()) } else { Ok((stream, packets)) }
}

/// From a decoder's opening to its first frame.
fn first_frame(device: &Arc<Device<Cuda>>, stream: &Stream, packets: &[Packet]) -> Result<Duration> {
    let begun = Instant::now();
    let shared = packets.iter().map(Packet::try_clone);
    let mut frames = Decoder::new(device, stream).open().map_err(avsluice::Failed::into_error)?.frames(shared);
    frames.first()?;
    Ok(begun.elapsed())
}

/// Frames, and the time that they took, of so many decoders at once.
struct Rate {
    frames: u64,
    time: Duration,
}

fn together(
    device: &Arc<Device<Cuda>>,
    stream: &Stream,
    packets: &[Packet],
    count: usize,
    time: Duration,
) -> Result<Rate> {
    let begun = Instant::now();
    let frames: Vec<Result<u64>> = thread::scope(|scope| {
        let work: Vec<_> = (0..count).map(|_| scope.spawn(|| decode(device, stream, packets, begun, time))).collect();
        work.into_iter().map(|thread| thread.join().unwrap_or_else(|_| bail!("a decoder's thread panicked"))).collect()
    });
    let time = begun.elapsed();
    let frames = frames.into_iter().sum::<Result<u64>>()?;
    Ok(Rate { frames, time })
}

/// Decodes the packets again and again until the time is over.
fn decode(
    device: &Arc<Device<Cuda>>,
    stream: &Stream,
    packets: &[Packet],
    begun: Instant,
    time: Duration,
) -> Result<u64> {
    let mut decoder = Decoder::new(device, stream).open().map_err(avsluice::Failed::into_error)?;
    let mut frames = 0;
    loop {
        for packet in packets {
            for frame in decoder.send(packet.try_clone()?).map_err(avsluice::Failed::into_error)? {
                drop(frame?);
                frames += 1;
            }
        }
        let mut rest = decoder.flush().map_err(avsluice::Failed::into_error)?;
        while let Some(frame) = rest.receive()? {
            drop(frame);
            frames += 1;
        }
        if begun.elapsed() >= time {
            // What the device still has queued is part of the work.
            device.synchronize()?;
            rest.abandon().free();
            return Ok(frames);
        }
        decoder = rest.reset();
    }
}

/// What is said, in lines for people or of JSON.
struct Reporter {
    json: bool,
    simulated: bool,
    device: String,
}

impl Reporter {
    fn line(&self, json: serde_json::Value, text: &str) {
        let mark = if self.simulated { "SIMULATED: " } else { "" };
        if self.json { println!("{json}") } else { println!("{mark}{text}") }
    }
    fn start(&self, device: Duration, first: Duration) {
        let (name, simulated) = (&self.device, self.simulated);
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        let json = json!({"device": name, "simulated": simulated, "device_ms": milliseconds(device), "first_frame_ms": milliseconds(first)});
        let text = format!(
            "{name}: the device in {:.0} ms, then {:.0} ms from opening a decoder to its first frame",
            milliseconds(device),
            milliseconds(first)
        );
        self.line(json, &text);
    }
    fn rate(&self, decoders: usize, rate: Rate) {
        let each = rate.frames as f64 / rate.time.as_secs_f64();
        let who = if decoders == 1 { "1 decoder".to_string() } else { format!("{decoders} decoders") };
        if self.simulated {
            // A rate of the simulated driver's would be taken for a GPU's.
            let json = json!({"decoders": decoders, "frames": rate.frames, "simulated": true});
            return self.line(json, &format!("{who}: {} frames", rate.frames));
        }
        let json =
            json!({"decoders": decoders, "frames": rate.frames, "fps": each, "fps_of_each": each / decoders as f64});
        self.line(json, &format!("{who}: {each:.0} frames/s in all, {:.0} each", each / decoders as f64));
    }
    fn program(&self, fps: f64) {
        self.line(
            json!({"program": "ffmpeg", "fps": fps}),
            &format!("the ffmpeg program, once: {fps:.0} frames/s, its start included"),
        );
    }
    fn note(&self, text: &str) {
        self.line(json!({"note": text}), text);
    }
}
