//! Tells the client where cargo puts the driver libraries, so that tests need no environment.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // OUT_DIR is <profile>/build/<package>/out; path dependencies' cdylibs lie, without a hash, in <profile>/deps.
    let out = std::env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let deps = Path::new(&out).ancestors().nth(3).expect("OUT_DIR is three levels deep").join("deps");
    println!("cargo::rustc-env=SIMGPU_BUILT={}", deps.display());
    // For the C programs that this package's tests build.
    println!("cargo::rustc-env=SIMGPU_TARGET={}", std::env::var("TARGET").expect("cargo sets TARGET"));
}
