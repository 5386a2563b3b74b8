//! A transcoder: one decode, any number of outputs, each encoded on a thread of its own; sound and subtitles are copied.
//!
//!     cargo run --release --example transcode -- in.mkv hd.mp4,bit_rate=6M small.mkv,encoder=libx264,crf=30
//!     cargo run --release --example transcode -- --device cuda in.mp4 out.mp4,preset=p5
//!
//! `input` reads and decodes, `output` encodes and writes, `job` is what a user asks for. How the threads stop each other is
//! docs/threads.md.

mod input;
mod job;
mod output;
#[path = "../shared/mod.rs"]
mod shared;

use avsluice::{Device, Error, Interrupt, System};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use job::Job;
use shared::{refuse_to_overwrite, say, warn};
use std::{path::PathBuf, process::ExitCode, sync::Arc};

/// Decodes a video once and encodes it any number of times; copies sound and subtitles
#[derive(Parser)]
struct Args {
    /// The file or URL to read
    input: PathBuf,
    /// Files to write: PATH[,encoder=NAME][,bit_rate=6M][,gop=50][,OPTION=VALUE...], options by FFmpeg's names
    #[arg(required = true)]
    outputs: Vec<String>,
    /// Where to decode and encode
    #[arg(long, value_enum, default_value_t = On::Cpu)]
    device: On,
    /// The DRM node of a VA-API device
    #[arg(long, default_value = "/dev/dri/renderD128", requires = "device")]
    node: String,
}

/// Where frames are.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum On {
    /// In software
    Cpu,
    /// NVIDIA's NVDEC and NVENC; no frame leaves the GPU
    Cuda,
    /// Intel's and AMD's GPUs
    Vaapi,
}

impl On {
    fn encoder(self) -> &'static str {
        match self {
            On::Cpu => "libx264",
            On::Cuda => "h264_nvenc",
            On::Vaapi => "h264_vaapi",
        }
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let stop = Interrupt::new();
    let watching = stop.clone();
    if let Err(error) = ctrlc::set_handler(move || watching.interrupt()) {
        warn(format_args!("warning: Ctrl-C will leave unfinished files: {error}"));
    }
    match run(&args, &stop) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if stop.is_interrupted() => {
            warn("interrupted: nothing is written");
            ExitCode::from(130)
        }
        Err(error) => {
            warn(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args, stop: &Interrupt) -> Result<(), Error> {
    let jobs: Vec<_> =
        args.outputs.iter().map(|text| Job::parse(text, args.device.encoder())).collect::<Result<_, _>>()?;
    jobs.iter().try_for_each(|job| refuse_to_overwrite(&args.input, &job.path))?;
    // It draws nothing where stderr is no terminal.
    let style = "{elapsed_precise} [{bar:30}] {pos}/{len} frames, {per_sec}, {eta} left";
    let bar = ProgressBar::no_length().with_style(ProgressStyle::with_template(style).map_err(Error::other)?);
    let report = match args.device {
        On::Cpu => input::run(System, false, &args.input, &jobs, &bar, stop),
        On::Cuda => input::run(&Arc::new(Device::cuda(0)?), false, &args.input, &jobs, &bar, stop),
        On::Vaapi => input::run(&Arc::new(Device::vaapi(&args.node)?), true, &args.input, &jobs, &bar, stop),
    };
    bar.finish_and_clear();
    report.map(say)
}
