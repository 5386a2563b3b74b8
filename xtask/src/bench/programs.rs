//! The loops as programs: built here, each in its own package.

use crate::workspace;
use anyhow::{Context, Result, anyhow, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// One loop, or why there is none.
pub struct Loop {
    pub name: String,
    /// What a reader of the table should know of it.
    pub about: &'static str,
    pub program: Result<PathBuf>,
}

/// The two of the workspace, and the program that makes their input.
pub struct Own {
    pub c: Loop,
    pub avsluice: Loop,
    input: PathBuf,
}

/// Another crate, in a package of its own below benches/peers, since crates that bind FFmpeg cannot be linked into one program.
struct Peer {
    name: &'static str,
    about: &'static str,
}

const PEERS: [Peer; 3] = [
    Peer {
        name: "ffmpeg-next",
        about: "without its features for devices and filters, which cost it more at its start. It captures no log and tells the decoder no frame rate; a frame is let go when the next one comes. It links libavutil first, which saves the dynamic linker 3 M instructions",
    },
    Peer { name: "ffmpeg-the-third", about: "as ffmpeg-next, whose fork it is" },
    Peer {
        name: "ac-ffmpeg",
        about: "a decoded picture must be copied before its type can be cleared; the copy is one buffer where the decoder's is three, which saves allocations and costs the copy",
    },
];

/// Builds the workspace's loops.
pub fn own() -> Result<Own> {
    let mut build = workspace::cargo(&["build", "--release", "--package", "loops", "--bins"]);
    let programs = workspace::build(&mut build).context("the loops did not build")?;
    let find = |name: &str| {
        let found = programs.iter().find(|program| program.name == name);
        found.map(|program| program.path.clone()).with_context(|| format!("cargo built no {name}"))
    };
    let of = |name: &str, program, about| {
        Ok::<_, anyhow::Error>(Loop { name: name.into(), about, program: Ok(find(program)?) })
    };
    Ok(Own {
        c: of("C", "loop-c", "FFmpeg's own way: one frame and one packet for all, errors by goto")?,
        avsluice: of("avsluice", "loop-avsluice", "")?,
        input: find("loop-input")?,
    })
}

/// How often the stream is read in a row: the longer, the less does the start's own noise count for a frame.
const REPEATED: &str = "4";

impl Own {
    /// The standard stream of the tests, in a container.
    pub fn make_input(&self, to: &Path) -> Result<()> {
        let mut command = Command::new(&self.input);
        let output = command.arg(media::standard().path).arg(REPEATED).arg(to).output()?;
        if !output.status.success() {
            bail!("the input could not be made: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }
}

/// Builds the other crates' loops, all or those named. One that does not build has its reason for a row.
pub fn peers(wanted: &[String]) -> Result<Vec<Loop>> {
    if let Some(unknown) = wanted.iter().find(|name| !PEERS.iter().any(|peer| peer.name == **name)) {
        bail!("there is no loop for `{unknown}`: there are those of {}", PEERS.map(|peer| peer.name).join(", "));
    }
    let target = workspace::target_folder()?.join("peers");
    let all = PEERS.iter().filter(|peer| wanted.is_empty() || wanted.iter().any(|name| name == peer.name));
    let build = |peer: &Peer| {
        let manifest = workspace::root().join("benches/peers").join(peer.name).join("Cargo.toml");
        let mut build = workspace::cargo(&["build", "--release", "--locked", "--manifest-path"]);
        build.arg(manifest).arg("--target-dir").arg(&target);
        let programs = workspace::build(&mut build).context("it does not build here")?;
        programs
            .into_iter()
            .find(|program| program.kind == "bin")
            .map(|program| program.path)
            .ok_or_else(|| anyhow!("cargo built no program"))
    };
    Ok(all.map(|peer| Loop { name: peer.name.into(), about: peer.about, program: build(peer) }).collect())
}

/// What the figures are of: FFmpeg, compiler, processor.
pub fn versions() -> Result<Vec<(&'static str, String)>> {
    let first_line = |command: &mut Command| -> String {
        let output = command.output().map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&output).lines().next().unwrap_or("unknown").trim().to_owned()
    };
    let library = first_line(Command::new("pkg-config").args(["--modversion", "libavcodec"]));
    let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    Ok(vec![
        ("libavcodec", library),
        ("rustc", first_line(Command::new("rustc").arg("--version"))),
        ("processor", processor.trim_start_matches([' ', '\t', ':']).to_owned()),
        ("Valgrind", first_line(Command::new("valgrind").arg("--version"))),
    ])
}
