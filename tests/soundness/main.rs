//! Programs without `unsafe` that once corrupted memory, aborted, hung or leaked. Each runs in a process of its own, ends there by itself, and says
//! what came of it. `cargo xtask memcheck` runs them under AddressSanitizer as well.

#[path = "../support/mod.rs"]
mod support;

mod kept;
mod loggers;
mod pointers;
mod readers;
mod shared_memory;
mod strings;

/// The process's open descriptors.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Panics when it is dropped.
struct Bomb;
impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("dropped");
        }
    }
}
