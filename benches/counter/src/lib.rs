//! Counts a program's allocations: it defines malloc and its siblings, and since the dynamic linker takes a program's own before the C
//! library's, every library of the program calls these. Linux with glibc alone, which offers its own under other names.
//!
//! Each measured loop links it and ends with [`report`], so that all are counted by the same code.

use std::{
    ffi::{c_int, c_void},
    fs,
    sync::atomic::{AtomicU64, Ordering},
};

static COUNT: AtomicU64 = AtomicU64::new(0);

/// Allocations so far, of all threads: malloc, calloc, realloc, posix_memalign, aligned_alloc and memalign.
pub fn allocations() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

/// The most memory that the process had at once, in KiB (VmHWM); 0 where the kernel does not tell.
pub fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// What a measured program prints: one line of JSON, which `cargo xtask bench` reads.
pub fn report(packets: i64, bytes: i64) {
    let (allocations, peak) = (allocations(), peak_kib());
    println!("{{\"packets\":{packets},\"bytes\":{bytes},\"allocations\":{allocations},\"peak_kib\":{peak}}}");
}

/// What every measured program is told: the input, how many of its packets to take, and the bit rate to encode at.
///
/// # Panics
/// On other arguments: nobody but `cargo xtask bench` and its tests starts these programs.
pub fn arguments() -> (std::path::PathBuf, usize, u64) {
    let mut arguments = std::env::args_os().skip(1);
    let path = arguments.next().expect("usage: PROGRAM INPUT PACKETS BIT_RATE");
    let mut number = || arguments.next().and_then(|word| word.to_str()?.parse::<u64>().ok()).expect("a number");
    let packets = usize::try_from(number()).expect("a number of packets");
    (path.into(), packets, number())
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod replaced {
    use super::*;

    unsafe extern "C" {
        fn __libc_malloc(size: usize) -> *mut c_void;
        fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
        fn __libc_realloc(old: *mut c_void, size: usize) -> *mut c_void;
        fn __libc_memalign(alignment: usize, size: usize) -> *mut c_void;
    }

    const ENOMEM: c_int = 12;
    const EINVAL: c_int = 22;

    fn count() {
        COUNT.fetch_add(1, Ordering::Relaxed);
    }

    /// # Safety
    /// As malloc's.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
        count();
        // SAFETY: the caller's word.
        unsafe { __libc_malloc(size) }
    }
    /// # Safety
    /// As calloc's.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn calloc(number: usize, size: usize) -> *mut c_void {
        count();
        // SAFETY: the caller's word.
        unsafe { __libc_calloc(number, size) }
    }
    /// # Safety
    /// As realloc's.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn realloc(old: *mut c_void, size: usize) -> *mut c_void {
        count();
        // SAFETY: the caller's word: `old` is null or glibc's.
        unsafe { __libc_realloc(old, size) }
    }
    /// # Safety
    /// As memalign's.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn memalign(alignment: usize, size: usize) -> *mut c_void {
        count();
        // SAFETY: the caller's word.
        unsafe { __libc_memalign(alignment, size) }
    }
    /// # Safety
    /// As aligned_alloc's.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn aligned_alloc(alignment: usize, size: usize) -> *mut c_void {
        count();
        // SAFETY: the caller's word.
        unsafe { __libc_memalign(alignment, size) }
    }
    /// # Safety
    /// As posix_memalign's: `result` is to be written to.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn posix_memalign(result: *mut *mut c_void, alignment: usize, size: usize) -> c_int {
        count();
        if !alignment.is_power_of_two() || alignment % size_of::<*mut c_void>() != 0 {
            return EINVAL;
        }
        // SAFETY: the caller's word.
        let memory = unsafe { __libc_memalign(alignment, size) };
        if memory.is_null() {
            return ENOMEM;
        }
        // SAFETY: the caller's word.
        unsafe { *result = memory };
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocations_are_counted() {
        let before = allocations();
        let mut boxes: Vec<_> = (0..100u64).map(Box::new).collect();
        std::hint::black_box(&mut boxes);
        let count = allocations() - before;
        assert!((101..200).contains(&count), "{count} for 100 boxes and their list");
    }

    #[test]
    fn the_peak_is_told() {
        assert!(peak_kib() > 100);
    }
}
