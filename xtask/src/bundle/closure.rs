//! The libraries that a program needs, down to the C library's own, which every machine has.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The C library and its loader: of the machine that the bundle runs on, for its kernel and its drivers.
const OF_THE_SYSTEM: &[&str] = &[
    "libc.so",
    "libm.so",
    "libdl.so",
    "libpthread.so",
    "librt.so",
    "libresolv.so",
    "libutil.so",
    "ld-linux",
    "linux-vdso.so",
];
/// Drivers: the machine's own are the point.
const OF_THE_DRIVER: &[&str] = &["libcuda.so", "libnvcuvid.so", "libnvidia-"];

/// Name and place of each library that the program loads at its start.
pub fn of(program: &Path) -> Result<Vec<(String, PathBuf)>> {
    let output = Command::new("ldd").arg(program).output().context("ldd did not start")?;
    if !output.status.success() {
        bail!("ldd {}: {}", program.display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    parse(&String::from_utf8_lossy(&output.stdout)).with_context(|| program.display().to_string())
}

/// ldd's lines: `libz.so.1 => /lib/libz.so.1 (0x7f...)`.
fn parse(text: &str) -> Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for line in text.lines() {
        let Some((name, rest)) = line.trim().split_once(" => ") else { continue };
        let is_one_of = |list: &[&str]| list.iter().any(|start| name.starts_with(start));
        if is_one_of(OF_THE_SYSTEM) || is_one_of(OF_THE_DRIVER) || name.starts_with("libsimgpu") {
            continue;
        }
        if rest.starts_with("not found") {
            bail!("{name} is not found");
        }
        let path = rest.rsplit_once(" (").map_or(rest, |(path, _)| path);
        found.push((name.to_owned(), PathBuf::from(path)));
    }
    Ok(found)
}

/// The newest glibc that a file of the folder asks for: an older one refuses to start it.
pub fn newest_glibc(folder: &Path) -> Result<String> {
    let mut newest = (0, 0);
    for part in ["bin", "lib"] {
        for entry in fs::read_dir(folder.join(part))? {
            newest = newest.max(asked_for(&fs::read(entry?.path())?));
        }
    }
    Ok(format!("{}.{}", newest.0, newest.1))
}

/// Symbol versions stand in a file as `GLIBC_2.34`.
fn asked_for(file: &[u8]) -> (u32, u32) {
    const MARK: &[u8] = b"GLIBC_";
    let version = |place: usize| {
        let rest = &file[place + MARK.len()..];
        let end = rest.iter().position(|byte| !(byte.is_ascii_digit() || *byte == b'.'))?;
        let mut numbers = std::str::from_utf8(&rest[..end]).ok()?.split('.').map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    };
    let marks = file.windows(MARK.len()).enumerate().filter(|(_, bytes)| *bytes == MARK);
    marks.filter_map(|(place, _)| version(place)).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_needs_is_taken_and_what_a_system_has_is_not() {
        let text = "\tlinux-vdso.so.1 (0x1)\n\tlibavcodec.so.59 => /lib/libavcodec.so.59 (0x7f00)\n\tlibc.so.6 => /lib/libc.so.6 (0x2)\n\
                    \tlibcuda.so.1 => /lib/libcuda.so.1 (0x3)\n\tlibz.so.1 => /lib/libz.so.1 (0x4)\n\t/lib64/ld-linux-x86-64.so.2 (0x5)\n";
        let names: Vec<_> = parse(text).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["libavcodec.so.59", "libz.so.1"]);
        assert_eq!(parse(text).unwrap()[0].1, Path::new("/lib/libavcodec.so.59"));
        assert!(parse("\tlibx.so.1 => not found\n").is_err());
    }

    #[test]
    fn the_newest_version_counts() {
        assert_eq!(asked_for(b"..GLIBC_2.4\0GLIBC_2.34\0GLIBC_PRIVATE\0GLIBC_2.17\0"), (2, 34));
        assert_eq!(asked_for(b"nothing"), (0, 0));
    }
}
