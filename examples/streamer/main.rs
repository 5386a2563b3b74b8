//! A game streamer's session: it lives for as long as the game, on a thread of its own, is told over a channel what to do, and encodes
//! pictures that the game renders into CUDA memory of its own, without a copy.
//!
//!     cargo run --example streamer -- --frames 240 --output session.h264
//!
//! `session` is what a program would take over. `renderer` stands for the game: it owns the CUDA context and the pictures. The
//! network is a file: packets go out as bytes, with no muxer. On a machine with no NVIDIA GPU it starts the simulated driver, and says
//! SIMULATED.

mod renderer;
mod session;

use avsluice::{Device, Error, Result};
use clap::Parser;
use renderer::Renderer;
use session::{Command, Session};
use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, mpsc::sync_channel},
    thread,
};

/// Streams a rendered scene: the bit rate changes after a quarter, a keyframe is asked for at half, the size changes at three quarters
#[derive(Parser)]
struct Args {
    /// Pictures to render
    #[arg(long, default_value_t = 120)]
    frames: u32,
    /// Where the packets go
    #[arg(long, default_value = "session.h264")]
    output: PathBuf,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let unfinished = args.output.with_extension("unfinished");
    let done = run(&args, &unfinished).and_then(|()| Ok(std::fs::rename(&unfinished, &args.output)?));
    match done {
        Ok(()) => {
            println!("written: {}", args.output.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = std::fs::remove_file(&unfinished); // there may be none
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args, output: &Path) -> Result<()> {
    // The simulated driver has to be there before anything looks for the real one.
    let simulated = simgpu::start_if_no_gpu().map_err(Error::other)?;
    if simulated.is_some() {
        println!("SIMULATED: this machine has no NVIDIA GPU; pictures are coded on the CPU, without loss");
    }
    stream(args.frames, output)?;
    if let Some(driver) = simulated {
        println!("{}", driver.ledger()); // what is alive in the driver, what it copied, what was wrong
    }
    Ok(())
}

fn stream(frames: u32, output: &Path) -> Result<()> {
    let renderer = Renderer::new()?;
    // The renderer's context stays alive until the device is gone: the device holds its owner.
    // SAFETY: the handle is the context that the owner destroys when it is dropped.
    let device = Arc::new(unsafe { Device::from_cuda_context(renderer.context(), renderer.owner()) }?);
    println!("device: {}", device.name()?);

    let mut network = BufWriter::new(File::create(output)?);
    let session = Session::new(Arc::clone(&device), 640, 360, 4_000_000)?;
    // The game waits when the encoder cannot keep up, for the ring of pictures is empty then; this channel never fills.
    let (commands, inbox) = sync_channel(64);
    let encoding = thread::spawn(move || {
        let report = session.run(inbox, &mut |packet| Ok(network.write_all(packet.data())?))?;
        network.flush()?;
        Ok::<_, Error>(report)
    });

    let rendered = render(&renderer, frames, |command| commands.send(command).is_ok());
    drop(commands);
    let report = encoding.join().map_err(|_| Error::other("the session panicked"))??;
    rendered?;
    println!("session: {report}");
    // Every picture is back with its owner by now, and nothing refers to the device.
    renderer.finish()?;
    Arc::into_inner(device).ok_or_else(|| Error::other("the device is still shared"))?.close()?;
    Ok(())
}

/// The game: renders, and changes its mind. A session that has failed hangs up, and says why itself.
fn render(renderer: &Renderer, frames: u32, mut tell: impl FnMut(Command) -> bool) -> Result<()> {
    let mut ring = renderer.ring(640, 360)?;
    for number in 0..frames {
        let mut goes_on = true;
        if number == frames / 4 {
            goes_on &= tell(Command::BitRate(8_000_000));
        }
        if number == frames / 2 {
            goes_on &= tell(Command::Keyframe);
        }
        if number == frames * 3 / 4 {
            ring = renderer.ring(480, 270)?;
        }
        // 60 pictures a second, in ticks of 90 kHz.
        let picture = ring.draw(number, i64::from(number) * 1500)?;
        if !(goes_on && tell(Command::Picture(picture))) {
            break;
        }
    }
    Ok(())
}
