//! What is in a bundle: each file with its size, the largest first, and where it comes from.

use crate::workspace;
use anyhow::Result;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The text of MANIFEST.
pub fn of(folder: &Path) -> Result<String> {
    let mut files = Vec::new();
    for part in ["bin", "lib", "streams"] {
        for entry in fs::read_dir(folder.join(part))? {
            let entry = entry?;
            files.push((entry.metadata()?.len(), format!("{part}/{}", entry.file_name().to_string_lossy())));
        }
    }
    files.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let first_line = |command: &mut Command| {
        let output = command.current_dir(workspace::root()).output().map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&output).lines().next().unwrap_or("unknown").to_owned()
    };
    let mut text = format!(
        "avsluice {} with libavcodec {}\nThe libraries are this system's own, with their own licences: FFmpeg's is LGPL or GPL, as it was built.\n\n",
        first_line(Command::new("git").args(["rev-parse", "HEAD"])),
        first_line(Command::new("pkg-config").args(["--modversion", "libavcodec"])),
    );
    for (size, name) in files {
        writeln!(text, "{size:>12}  {name}")?;
    }
    Ok(text)
}
