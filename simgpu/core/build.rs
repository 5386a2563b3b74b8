//! Builds the C half of the decoder (the part that talks to libavcodec) and sets how the driver is linked.

use std::path::Path;

const INNER: &str = "src/decode/inner.c";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/decode/inner.c");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    // Not rustc-cdylib-link-arg: cargo hands that on to the cdylibs of packages that depend on this one.
    // FFmpeg dlcloses the driver at every codec close, and the ledger must outlive that.
    println!("cargo::rustc-link-arg=-Wl,-z,nodelete");
    println!("cargo::rustc-link-arg=-Wl,-soname,libsimgpu_core.so");
    if !Path::new(INNER).exists() {
        return;
    }
    let mut inner = cc::Build::new();
    inner.file(INNER).warnings(true).extra_warnings(true);
    for library in ["libavcodec", "libavutil"] {
        match pkg_config::Config::new().cargo_metadata(false).probe(library) {
            Ok(found) => {
                inner.includes(&found.include_paths);
                for path in &found.link_paths {
                    println!("cargo::rustc-link-search=native={}", path.display());
                }
            }
            Err(error) => println!(
                "cargo::error=simgpu decodes through {library}: install FFmpeg's development files \
                 (Debian: libavcodec-dev libavutil-dev) or set PKG_CONFIG_PATH ({error})"
            ),
        }
    }
    inner.compile("simgpu_inner");
    // After the static part: a linker that resolves from left to right needs this order.
    println!("cargo::rustc-link-lib=avcodec");
    println!("cargo::rustc-link-lib=avutil");
}
