//! FFmpeg's own programs, and C programs over its libraries, with the simulated driver.

use super::run;
use simgpu::Ledger;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A run of a program with the simulated driver preloaded.
pub struct Run {
    pub output: Output,
    pub ledger: Ledger,
}

/// A program with the simulated driver, its arguments added by the caller.
pub fn simulated(program: impl AsRef<std::ffi::OsStr>, report: &Path) -> Command {
    let libraries = simgpu::libraries().map(|path| path.display().to_string()).join(":");
    let mut command = Command::new(program);
    command.env("LD_PRELOAD", libraries).env("SIMGPU_REPORT", report);
    command
}

/// Runs it and reads the report that it leaves.
pub fn run_simulated(program: impl AsRef<std::ffi::OsStr>, prepare: impl FnOnce(&mut Command)) -> Run {
    let directory = TempDir::new().expect("a temporary directory");
    let report = directory.path().join("report.json");
    let mut command = simulated(program, &report);
    prepare(&mut command);
    let output = run(&mut command);
    let json = std::fs::read(&report).unwrap_or_else(|error| {
        panic!("no report ({error}); the program said: {}", String::from_utf8_lossy(&output.stderr))
    });
    Run { output, ledger: serde_json::from_slice(&json).expect("the report is a ledger") }
}

/// Runs `ffmpeg -v error ...` with the simulated driver.
pub fn ffmpeg_simulated(arguments: &[&str]) -> Run {
    run_simulated("ffmpeg", |command| {
        command.args(["-v", "error", "-nostdin", "-y"]).args(arguments);
    })
}

/// The same with the simulated VA-API driver.
pub fn ffmpeg_on_vaapi(arguments: &[&str]) -> Run {
    run_simulated("ffmpeg", |command| {
        command.envs(simgpu::va::environment().expect("the driver is built beside the test"));
        command.args(["-v", "error", "-nostdin", "-y"]).args(arguments);
    })
}

/// Runs `ffmpeg -v error ...` on the CPU; its standard output.
pub fn ffmpeg(arguments: &[&str]) -> Vec<u8> {
    let output = run(Command::new("ffmpeg").args(["-v", "error", "-nostdin", "-y"]).args(arguments));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Runs ffprobe; its standard output.
pub fn ffprobe(arguments: &[&str]) -> String {
    let output = run(Command::new("ffprobe").args(["-v", "error"]).args(arguments));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Compiles a C program of this folder against FFmpeg.
pub fn compile(source: &str, directory: &Path) -> PathBuf {
    let target = env!("SIMGPU_TARGET");
    let program = directory.join(source).with_extension("");
    let mut command = cc::Build::new()
        .cargo_metadata(false)
        .target(target)
        .host(target)
        .opt_level(0)
        .debug(false)
        .out_dir(directory)
        .warnings(true)
        .get_compiler()
        .to_command();
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(source)).arg("-o").arg(&program);
    for library in ["libavcodec", "libavutil"] {
        let found = pkg_config::Config::new().cargo_metadata(false).env_metadata(false).probe(library);
        let found = found.expect("FFmpeg's development files are installed");
        command.args(found.include_paths.iter().map(|path| format!("-I{}", path.display())));
        command.args(found.link_paths.iter().map(|path| format!("-L{}", path.display())));
        command.args(found.libs.iter().map(|library| format!("-l{library}")));
    }
    command.arg("-ldl");
    let output = run(&mut command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    program
}
