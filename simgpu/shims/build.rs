//! The build script of the three shims: an empty library under a driver library's name that pulls in the simulated driver.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=../build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    // The package is called after the library that it stands for: simgpu-libcuda is libcuda.so.1.
    let package = std::env::var("CARGO_PKG_NAME").expect("cargo sets CARGO_PKG_NAME");
    let library = package.strip_prefix("simgpu-").expect("the shims' names begin with simgpu-");
    // OUT_DIR is <profile>/build/<package>/out; cargo puts the core's cdylib, without a hash, in <profile>/deps.
    let out = std::env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let deps = Path::new(&out).ancestors().nth(3).expect("OUT_DIR is three levels deep").join("deps");
    for argument in [
        format!("-Wl,-soname,{library}.so.1"),
        // Nothing here refers to the core, so without this the linker would drop it.
        "-Wl,--no-as-needed".into(),
        format!("{}", deps.join("libsimgpu_core.so").display()),
        "-Wl,-rpath,$ORIGIN".into(),
        // RPATH, not RUNPATH: cargo puts target/debug into LD_LIBRARY_PATH, where an older core may lie, and that goes before
        // RUNPATH.
        "-Wl,--disable-new-dtags".into(),
        "-Wl,-z,nodelete".into(),
    ] {
        println!("cargo::rustc-link-arg={argument}");
    }
}
