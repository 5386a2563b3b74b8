//! Lets the simulated drivers, which are opened at run time, find AddressSanitizer in this program.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-link-arg-bins=-rdynamic");
    }
}
