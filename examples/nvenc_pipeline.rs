//! The life cycle of hardware codecs, end to end: file -> NVDEC -> h264_nvenc -> file, with no frame leaving device memory.
//!
//!     cargo run --example nvenc_pipeline -- --frames 100 --input in.mp4 --output out.mp4
//!
//! On a machine with no NVIDIA GPU it starts the simulated driver, and says SIMULATED.

#[path = "shared/mod.rs"]
mod shared;

use avsluice::{Decoder, Demuxer, Device, Encoder, Error, ErrorKind, Interrupt, Limit, Muxer, Result, nvenc, transfer};
use clap::Parser;
use shared::{Unfinished, refuse_to_overwrite, say, warn};
use std::{num::NonZeroUsize, path::Path, path::PathBuf, process::ExitCode};

/// Transcodes a video to H.264 with NVDEC and NVENC, in device memory all the way
#[derive(Parser)]
struct Args {
    /// Frames to encode [default: all]
    #[arg(long)]
    frames: Option<NonZeroUsize>,
    /// The video to read [default: a test stream of 250 frames]
    #[arg(long)]
    input: Option<PathBuf>,
    /// The file to write; its extension chooses the container
    #[arg(long, default_value = "nvenc_pipeline.mp4")]
    output: PathBuf,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let stop = Interrupt::new();
    let watching = stop.clone();
    if let Err(error) = ctrlc::set_handler(move || watching.interrupt()) {
        warn(format_args!("warning: Ctrl-C will leave an unfinished file: {error}"));
    }
    match run(&args, &stop) {
        Ok(()) => {
            say(format_args!("written: {}\nCleanup completed", args.output.display()));
            ExitCode::SUCCESS
        }
        Err(error) if *error.kind() == ErrorKind::Interrupted => {
            warn("interrupted: nothing is written");
            ExitCode::from(130)
        }
        Err(error) => {
            warn(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args, stop: &Interrupt) -> Result<()> {
    let input = args.input.clone().unwrap_or_else(|| media::standard().path);
    refuse_to_overwrite(&input, &args.output)?;
    // The simulated driver has to be there before anything looks for the real one.
    let simulated = simgpu::start_if_no_gpu().map_err(Error::other)?;
    if simulated.is_some() {
        say("SIMULATED: this machine has no NVIDIA GPU; pictures are coded on the CPU, without loss");
    }
    // Until it is whole it has another place, which is removed on every way out of here.
    let unfinished = Unfinished::new(&args.output)?;
    transcode(&input, &unfinished.path(), args.frames.map_or(usize::MAX, NonZeroUsize::get), stop)?;
    unfinished.finish()?;
    if let Some(driver) = simulated {
        say(driver.ledger()); // what is alive in the driver, what it copied, what was wrong
    }
    Ok(())
}

fn transcode(input: &Path, output: &Path, frames_wanted: usize, stop: &Interrupt) -> Result<()> {
    // One device for all codecs. It is made first and goes last: everything below borrows it, so a `drop(device)` any earlier
    // does not compile.
    let device = Device::cuda(0)?;
    say(format_args!("device: {}", device.name()?));

    let mut file = Demuxer::options().interrupt(stop).open(input)?;
    let video = file.video()?;

    // Yields frames in device memory, or an error: it never falls back to software unless it is told `or_system()`.
    let mut frames = Decoder::new(&device, &video).open()?.frames(file.packets(&video));

    // Options are set before `open`: FFmpeg takes them afterwards too, and ignores them or worse. The encoder takes its size,
    // layout, colour and frame rate from the first decoded frame's pool.
    let options = nvenc::H264::new().preset(nvenc::Preset::P5);
    let encoder = Encoder::new(&frames.pool()?, video.time_base(), options).bit_rate(4_000_000).max_b_frames(2);
    let mut encoder = encoder.open()?;

    // The header wants the encoder's parameter sets, so the encoder is open before the file is.
    let mut output = Muxer::create(output)?;
    let track = output.add(&encoder)?;
    let mut output = output.open()?;

    for frame in frames.by_ref().take(frames_wanted) {
        // The frame is moved in: NVENC may read it long after this call. With B-frames some calls give no packet, others two.
        for packet in encoder.send(frame?)? {
            output.write(track, packet?)?;
        }
    }
    say(format_args!("end of input: {} frames are still inside the encoder", encoder.in_flight()));

    // Shutdown, in the one right order. First the end of stream, and every packet that is still inside, to the codec's own end;
    // the limit turns an endless drain into an error. Then the codec is closed. A codec that was drained to its end owes
    // nothing, so nothing is slept; `Teardown` has the 50 to 100 ms of folklore for those who want them.
    let encoder = encoder.flush()?.finish(Limit::default(), |packet| output.write(track, packet))?;
    // The trailer. Without it the file cannot be played, so its errors are not left to a destructor.
    output.finish()?;
    // The encoder goes before the decoder whose surfaces it may have registered.
    say(format_args!("encoder: {}", encoder.free()));
    // With --frames the decoder may hold pictures that nobody wants: it is closed without a drain, and says so.
    say(format_args!("decoder: {}", frames.close().free()));
    let copies = transfer::stats();
    say(format_args!("copied: {} bytes host->device, {} device->host", copies.uploaded_bytes, copies.downloaded_bytes));
    // Last. If anything still refers to the device, this is an error with their number and not a leak in silence.
    device.close()?;
    Ok(())
}
