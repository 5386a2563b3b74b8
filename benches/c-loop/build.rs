//! Compiles the C loops against the FFmpeg that avsluice was built with.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src");
    // avsluice's build script found it, and hands it on to packages that depend on avsluice.
    let include = env::var_os("DEP_AVSLUICE_FFMPEG_INCLUDE").unwrap_or_default();
    cc::Build::new()
        .files(["src/loop.c", "src/vaapi.c"])
        .includes(env::split_paths(&include))
        .std("c11")
        .opt_level(2)
        .compile("c_loop");
}
