//! Finds FFmpeg, reads its headers, and tells the crate what they can do.
//!
//! One step a file, in the order in which they run: `locate` (where FFmpeg is, and which), `bindings` (bindgen on wrapper.h),
//! `capabilities` (what those headers declare, as cfgs), then the C shim for FFmpeg's log. Whatever is missing ends in
//! `explain`: one message with the reason and the remedy. Nothing is ever fetched.

use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, fs};

#[path = "build/bindings.rs"]
mod bindings;
#[path = "build/capabilities.rs"]
mod capabilities;
#[path = "build/explain.rs"]
mod explain;
#[path = "build/locate.rs"]
mod locate;

/// The bindings that docs.rs builds with, where no FFmpeg is. `AVSLUICE_WRITE_PREBUILT=1 cargo check` writes them anew.
const PREBUILT: &str = "src/ffi/prebuilt.rs";
const WRITE_PREBUILT: &str = "AVSLUICE_WRITE_PREBUILT";

fn main() {
    for path in ["build.rs", "build", "wrapper.h", "src/raw/log/shim.c"] {
        println!("cargo::rerun-if-changed={path}");
    }
    for variable in ["DOCS_RS", "LIBCLANG_PATH", "BINDGEN_EXTRA_CLANG_ARGS", WRITE_PREBUILT] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    capabilities::declare();
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("bindings.rs");
    if env::var_os("DOCS_RS").is_some() {
        prebuilt(&out);
    } else if let Err(problem) = build(&out) {
        explain::exit(&problem);
    }
    if let Ok(script) = env::current_exe() {
        // For tests/build_errors.rs, which runs this program in environments where it must fail.
        println!("cargo::rustc-env=AVSLUICE_BUILD_SCRIPT={}", script.display());
    }
}

/// The normal case: bindings of the FFmpeg that is here.
fn build(out: &Path) -> Result<(), explain::Problem> {
    let ffmpeg = locate::ffmpeg()?;
    let started = Instant::now();
    let (inventory, text) = bindings::generate(&ffmpeg)?;
    // For `cargo xtask matrix`, which lists it.
    fs::write(out.with_file_name("bindgen.seconds"), format!("{:.3}\n", started.elapsed().as_secs_f64()))
        .expect("OUT_DIR can be written");
    let capabilities = capabilities::of(&inventory);
    let text = bindings::file_header(&ffmpeg.versions, &capabilities) + &text;
    fs::write(out, &text).expect("OUT_DIR can be written");
    if env::var_os(WRITE_PREBUILT).is_some() {
        fs::write(PREBUILT, &text).expect("the checkout can be written");
    }
    capabilities::enable(capabilities);
    cc::Build::new().file("src/raw/log/shim.c").includes(&ffmpeg.include_paths).std("c11").compile("avsluice_log_shim");
    for (library, version) in locate::LIBRARIES.iter().zip(&ffmpeg.versions) {
        println!("cargo::metadata={library}_version={version}");
    }
    if env::var_os("CARGO_CFG_AVSLUICE_CANARIES").is_some() {
        // The simulated drivers, which tests open at run time, find AddressSanitizer in the test program.
        println!("cargo::rustc-link-arg-tests=-rdynamic");
    }
    let include = env::join_paths(&ffmpeg.include_paths).unwrap_or_default();
    println!("cargo::metadata=include={}", include.to_string_lossy());
    Ok(())
}

/// The docs.rs case: there is no FFmpeg, nothing is linked, and the committed copy of the bindings serves.
fn prebuilt(out: &Path) {
    println!("cargo::rerun-if-changed={PREBUILT}");
    let text = fs::read_to_string(PREBUILT).expect("the package contains src/ffi/prebuilt.rs");
    capabilities::enable(capabilities::of_file(&text));
    fs::write(out, text).expect("OUT_DIR can be written");
}
