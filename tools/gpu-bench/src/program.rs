//! The `ffmpeg` program on the same file: what a user would compare with.

use anyhow::{Context, Result, bail};
use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Frames a second of `ffmpeg -hwaccel cuda`, over about that time; `None` without the program.
pub fn rate(input: &Path, time: Duration) -> Result<Option<f64>> {
    if Command::new("ffmpeg").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        return Ok(None);
    }
    // The stream over and over, as our own decoders have it, for as long as they do.
    let mut command = Command::new("ffmpeg");
    command.args([
        "-v",
        "error",
        "-nostdin",
        "-stream_loop",
        "-1",
        "-hwaccel",
        "cuda",
        "-hwaccel_output_format",
        "cuda",
        "-i",
    ]);
    command.arg(input).args([
        "-progress",
        "-",
        "-nostats",
        "-f",
        "null",
        "-t",
        &time.as_secs().saturating_mul(1000).to_string(),
    ]);
    command.arg("-").stdout(Stdio::piped()).stderr(Stdio::piped());
    let begun = Instant::now();
    let mut child = command.spawn().context("ffmpeg did not start")?;
    let mut frames = None;
    let stdout = child.stdout.take().context("no pipe")?;
    for line in std::io::BufRead::lines(std::io::BufReader::new(stdout)) {
        if let Some(count) = line?.strip_prefix("frame=") {
            frames = Some((count.trim().parse::<u64>()?, begun.elapsed()));
            if begun.elapsed() >= time {
                break;
            }
        }
    }
    child.kill()?;
    let output = child.wait_with_output()?;
    match frames {
        Some((count, time)) if count > 0 => Ok(Some(count as f64 / time.as_secs_f64())),
        _ => bail!("{}", String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("it decoded nothing")),
    }
}
