//! The workspace and its cargo: where they are, and how a cargo command is run and read.

use crate::child;
use crate::interrupt::Registered;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::{env, fs};

/// The top of the checkout that this program was built from.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace's folder")
}

/// The cargo that runs us, or the one on PATH, with these arguments.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// cargo's target folder; what has flags or an FFmpeg of its own goes below it.
pub fn target_folder() -> Result<PathBuf> {
    let output = cargo(&["metadata", "--format-version", "1", "--no-deps", "--offline"]).output()?;
    let document: Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let folder = document["target_directory"].as_str().context("cargo metadata names no target folder")?;
    fs::create_dir_all(folder)?;
    Ok(folder.into())
}

/// A cargo command as a user would type it.
pub fn line(command: &Command) -> String {
    let words = command.get_args().map(|word| word.to_string_lossy());
    let variables = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={}", name.to_string_lossy(), quoted(&value?.to_string_lossy()))));
    let program = Path::new(command.get_program()).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    variables.chain([program]).chain(words.map(|word| quoted(&word))).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    if word.contains([' ', '*', '(', '\'']) { format!("'{word}'") } else { word.to_owned() }
}

/// Runs a command in a process group of its own, which Ctrl-C kills, its stdout going line by line to `on_line`.
pub fn run_lines(command: &mut Command, mut on_line: impl FnMut(&str)) -> Result<ExitStatus> {
    let line = line(command);
    let mut child = child::own_group(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{line}` did not start"))?;
    let _registered = Registered::new(child.id());
    let mut stdout = BufReader::new(child.stdout.take().context("no pipe")?);
    let mut bytes = Vec::new();
    while stdout.read_until(b'\n', &mut bytes)? > 0 {
        on_line(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']));
        bytes.clear();
    }
    Ok(child.wait()?)
}

/// A program that cargo built.
#[derive(Debug, PartialEq, Eq)]
pub struct Program {
    /// The target's name in its Cargo.toml.
    pub name: String,
    /// `lib`, `test`, `bin` ...
    pub kind: String,
    /// Where it lies.
    pub path: PathBuf,
}

/// Runs a cargo command that builds, and says what programs came of it. When it fails, the error is the one message that a build
/// script wrote, if that is what failed; cargo's own text has gone to stderr by then.
pub fn build(command: &mut Command) -> Result<Vec<Program>> {
    let line = line(command);
    command.args(["--message-format", "json-render-diagnostics"]);
    let mut child = child::own_group(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{line}` did not start"))?;
    let _registered = Registered::new(child.id());
    let stderr = child.stderr.take().context("no pipe")?;
    let stderr = thread::spawn(move || forward(stderr));
    let stdout = BufReader::new(child.stdout.take().context("no pipe")?);
    let programs = stdout.lines().map_while(Result::ok).filter_map(|line| program(&line)).collect();
    let status = child.wait()?;
    let text = stderr.join().unwrap_or_default();
    if status.success() {
        return Ok(programs);
    }
    match build_script_message(&text) {
        Some(message) => bail!("`{line}` failed: {message}"),
        None => bail!("`{line}` failed: see cargo's message above"),
    }
}

/// Passes a pipe on to stderr as it comes, and keeps a copy.
fn forward(mut pipe: impl Read) -> String {
    let mut copy = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(bytes @ 1..) = pipe.read(&mut buffer) {
        // A closed stderr must not stop the build.
        let _ = std::io::stderr().write_all(&buffer[..bytes]);
        copy.extend_from_slice(&buffer[..bytes]);
    }
    String::from_utf8_lossy(&copy).into_owned()
}

/// The program that one line of cargo's messages speaks of.
fn program(line: &str) -> Option<Program> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message["reason"] != "compiler-artifact" {
        return None;
    }
    let target = &message["target"];
    Some(Program {
        name: target["name"].as_str()?.to_owned(),
        kind: target["kind"][0].as_str()?.to_owned(),
        path: message["executable"].as_str()?.into(),
    })
}

/// The first thing that a failed build script said, out of cargo's text.
fn build_script_message(text: &str) -> Option<&str> {
    let (_, script) = text.split_once("--- stderr\n")?;
    script.lines().map(str::trim).find(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_from_libraries() {
        let artifact = r#"{"reason":"compiler-artifact","target":{"kind":["test"],"name":"software"},"executable":"/t/software-1"}"#;
        assert_eq!(
            program(artifact),
            Some(Program { name: "software".into(), kind: "test".into(), path: "/t/software-1".into() })
        );
        let library = r#"{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"libc"},"executable":null}"#;
        assert_eq!(program(library), None);
        assert_eq!(program(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(program("warning: not JSON"), None);
    }

    #[test]
    fn a_build_script_s_message_is_found_in_cargo_s_text() {
        let text = "   Compiling avsluice v0.1.0\nerror: failed to run custom build command for `avsluice v0.1.0`\n\n\
            Caused by:\n  process didn't exit successfully: `build` (exit status: 1)\n  --- stdout\n  cargo::x\n\n  \
            --- stderr\n\n  avsluice: FFmpeg's development files were not found.\n\n  Reason: none\n";
        assert_eq!(build_script_message(text), Some("avsluice: FFmpeg's development files were not found."));
        assert_eq!(build_script_message("error[E0308]: mismatched types\n"), None);
    }

    #[test]
    fn a_command_is_printed_as_it_is_typed() {
        let mut command = cargo(&["test", "--workspace"]);
        command.env("RUSTFLAGS", "-D warnings");
        assert_eq!(line(&command), "RUSTFLAGS='-D warnings' cargo test --workspace");
    }
}
