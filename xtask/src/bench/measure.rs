//! What one program costs: run as it is for its counts, under Valgrind for its instructions.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::path::Path;
use std::process::Command;

/// What a loop costs.
#[derive(Clone, Debug)]
pub struct Cost {
    /// Packets and their bytes.
    pub output: (u64, u64),
    /// Instructions for each frame.
    pub instructions: f64,
    /// Allocations for each frame: malloc, calloc, realloc and the aligned ones, of FFmpeg and all.
    pub allocations: f64,
    /// Instructions before the first frame and behind the last.
    pub start: f64,
    /// The most memory at once, in KiB.
    pub peak_kib: u64,
}

const FEW: u32 = 100;
const MANY: u32 = 900;
/// Between the two.
pub const FRAMES: f64 = (MANY - FEW) as f64;
const BIT_RATE: &str = "1000000";
/// Runs of one program.
pub const STEPS: u64 = 2 + 2 * LAYOUTS;
/// Where the heap lies decides some hundred instructions of a frame, and the length of a path alone moves it: the mean of several.
const LAYOUTS: u64 = 3;

/// A program's own report, see benches/counter.
#[derive(Debug, Deserialize)]
struct Report {
    packets: u64,
    bytes: u64,
    allocations: u64,
    peak_kib: u64,
}

/// Runs a program with few packets and with many.
pub fn cost(program: &Path, input: &Path, mut step: impl FnMut()) -> Result<Cost> {
    let mut counted = |packets: u32| -> Result<Report> {
        let mut command = Command::new(program);
        let text = run(command.arg(input).arg(packets.to_string()).arg(BIT_RATE))?.0;
        step();
        report(&text)
    };
    let (few, many) = (counted(FEW)?, counted(MANY)?);
    let mut instructions = |packets: u32| -> Result<f64> {
        let mut sum = 0.0;
        for layout in 0..LAYOUTS {
            // The same file by longer and longer names: `./` is the same folder.
            let folder = input.parent().context("the input has a folder")?;
            let name =
                "./".repeat(8 * usize::try_from(layout)?) + &input.file_name().unwrap_or_default().to_string_lossy();
            let mut command = Command::new("valgrind");
            command.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
            command.arg(program).arg(name).arg(packets.to_string()).arg(BIT_RATE).current_dir(folder);
            sum += refs(&run(&mut command)?.1)?;
            step();
        }
        Ok(sum / LAYOUTS as f64)
    };
    let (short, long) = (instructions(FEW)?, instructions(MANY)?);
    let (each, start) = line(short, long);
    Ok(Cost {
        output: (many.packets, many.bytes),
        instructions: each,
        allocations: (many.allocations as f64 - few.allocations as f64) / FRAMES,
        start,
        peak_kib: many.peak_kib,
    })
}

/// What each frame adds, and what there is without one.
fn line(few: f64, many: f64) -> (f64, f64) {
    let each = (many - few) / FRAMES;
    (each, few - each * f64::from(FEW))
}

fn run(command: &mut Command) -> Result<(String, String)> {
    let output = command.output().with_context(|| format!("{:?} did not start", command.get_program()))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    if !output.status.success() {
        bail!("{}: {}", output.status, stderr.lines().last().unwrap_or("it said nothing"));
    }
    Ok((stdout, stderr))
}

fn report(text: &str) -> Result<Report> {
    let line = text.lines().last().context("the program reported nothing")?;
    serde_json::from_str(line).with_context(|| format!("the program's report is not understood: {line}"))
}

/// Cachegrind's "I   refs:      1,234", behind the process's number.
fn refs(text: &str) -> Result<f64> {
    let found = text.lines().find_map(|line| {
        let (before, count) = line.split_once("refs:")?;
        before.trim_end().ends_with('I').then(|| count.trim().replace(',', ""))
    });
    found.and_then(|count| count.parse().ok()).context("Valgrind reported no count of instructions")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valgrinds_count_is_read() {
        let text = "==7== Cachegrind\n==7== \n==7== I   refs:      2,573,453,679\n==7== D   refs: 1\n";
        assert_eq!(refs(text).unwrap(), 2_573_453_679.0);
        assert!(refs("==7== D refs: 1").is_err());
    }

    #[test]
    fn a_report_is_read_and_nothing_else_for_one() {
        let text = "noise\n{\"packets\":900,\"bytes\":7,\"allocations\":3,\"peak_kib\":2}\n";
        assert_eq!(report(text).unwrap().packets, 900);
        assert!(report("{}").is_err() && report("").is_err());
    }

    #[test]
    fn the_start_is_what_no_frame_accounts_for() {
        assert_eq!(line(1_000.0 + 100.0 * 5.0, 1_000.0 + 900.0 * 5.0), (5.0, 1_000.0));
    }
}
