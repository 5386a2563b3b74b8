//! How the outside reads and steers the driver: the C functions behind the client crate, the call log, the report file.
//!
//! | environment variable | what it does |
//! |---|---|
//! | `SIMGPU_LOG=path` | appends every call with its arguments; violations go to the standard error too |
//! | `SIMGPU_REPORT=path` | writes the ledger as JSON at exit and after each violation |
//! | `SIMGPU_CONFIG=json` | a [`Config`], for programs that cannot call the client crate |
//! | `SIMGPU_FAULTS=json` | a list of [`Fault`] |

use crate::ledger::{self, State};
use crate::wire::{Config, Fault};
use std::ffi::{CStr, c_char, c_int};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::panic::catch_unwind;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

static LOG: LazyLock<Option<File>> = LazyLock::new(|| {
    let path = std::env::var_os("SIMGPU_LOG")?;
    let file = OpenOptions::new().create(true).append(true).open(&path);
    file.map_err(|error| eprintln!("simgpu: SIMGPU_LOG={}: {error}", path.to_string_lossy())).ok()
});
static REPORT: LazyLock<Option<PathBuf>> = LazyLock::new(|| std::env::var_os("SIMGPU_REPORT").map(PathBuf::from));
static SEQUENCE: AtomicU64 = AtomicU64::new(1);

/// Appends one call to the log, if there is one; `write` is not run otherwise.
pub fn log_call(write: impl FnOnce(&mut String)) {
    if let Some(mut log) = LOG.as_ref() {
        // SAFETY: gettid has no preconditions.
        let thread = unsafe { libc::gettid() };
        let mut line = format!("{:6} {thread} ", SEQUENCE.fetch_add(1, Ordering::Relaxed));
        write(&mut line);
        line.push('\n');
        // One write per line: lines of several threads do not mix. A full disk must not break the program under test.
        let _ = log.write_all(line.as_bytes());
    }
}

/// Shows a violation where the log goes, and on the standard error.
pub fn log_violation(what: &str) {
    if LOG.is_some() {
        eprintln!("simgpu: VIOLATION: {what}");
        log_call(|line| {
            line.push_str("VIOLATION ");
            line.push_str(what);
        });
    }
}

/// Writes the report file, if one is wanted.
pub fn write_report(state: &State) {
    let Some(path) = REPORT.as_ref() else { return };
    // Written beside and renamed: a reader never sees half of it, whenever the program dies.
    let beside = path.with_extension(format!("{}.part", std::process::id()));
    let written = serde_json::to_vec_pretty(&state.snapshot()).map_err(std::io::Error::other);
    let written = written.and_then(|json| std::fs::write(&beside, json)).and_then(|()| std::fs::rename(&beside, path));
    if let Err(error) = written {
        eprintln!("simgpu: SIMGPU_REPORT={}: {error}", path.display());
    }
}

extern "C" fn write_report_at_exit() {
    let _ = catch_unwind(|| write_report(&ledger::lock()));
}

/// Reads the environment once, when the state is made.
pub fn configure_from_environment(state: &mut State) {
    if let Some(config) = from_environment::<Config>("SIMGPU_CONFIG") {
        state.config = config;
    }
    for fault in from_environment::<Vec<Fault>>("SIMGPU_FAULTS").unwrap_or_default() {
        state.fail(fault);
    }
    if REPORT.is_some() {
        // SAFETY: the handler is a function of this library, which is linked so that it is never unloaded.
        unsafe { libc::atexit(write_report_at_exit) };
    }
}

fn from_environment<T: serde::de::DeserializeOwned>(variable: &str) -> Option<T> {
    let text = std::env::var(variable).ok()?;
    serde_json::from_str(&text).map_err(|error| eprintln!("simgpu: {variable}: {error}")).ok()
}

fn from_json<T: serde::de::DeserializeOwned>(json: *const c_char) -> Option<T> {
    if json.is_null() {
        return None;
    }
    // SAFETY: the client crate, the one caller, passes a C string that lives through the call.
    let json = unsafe { CStr::from_ptr(json) };
    serde_json::from_slice(json.to_bytes()).ok()
}

/// Runs a client call; 0 on success, -1 when it was not understood or the simulation panicked.
fn steer(body: impl FnOnce() -> Option<()> + std::panic::UnwindSafe) -> c_int {
    if matches!(catch_unwind(body), Ok(Some(()))) { 0 } else { -1 }
}

/// The version of the functions below. The client crate refuses another.
#[unsafe(no_mangle)]
pub extern "C" fn simgpu_interface() -> u32 {
    1
}

/// Copies the ledger, as JSON with a closing 0, into `buffer` if it fits; its length without the 0 in any case.
///
/// # Safety
/// `buffer` is null or has room for `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn simgpu_ledger(buffer: *mut c_char, capacity: usize) -> usize {
    let json = catch_unwind(|| serde_json::to_vec(&ledger::lock().snapshot()).unwrap_or_default()).unwrap_or_default();
    if !buffer.is_null() && json.len() < capacity {
        // SAFETY: the caller vouches for `capacity` bytes at `buffer`, and json.len() + 1 is no more than that.
        unsafe {
            std::ptr::copy_nonoverlapping(json.as_ptr(), buffer.cast(), json.len());
            buffer.add(json.len()).write(0);
        }
    }
    json.len()
}

/// Replaces the configuration by a [`Config`] in JSON. Objects that exist keep what they were made with.
///
/// # Safety
/// `json` is null or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn simgpu_configure(json: *const c_char) -> c_int {
    steer(|| from_json(json).map(|config: Config| ledger::lock().config = config))
}

/// Arms a [`Fault`] in JSON.
///
/// # Safety
/// `json` is null or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn simgpu_fail(json: *const c_char) -> c_int {
    steer(|| from_json(json).map(|fault: Fault| ledger::lock().fail(fault)))
}

/// Disarms all faults.
#[unsafe(no_mangle)]
pub extern "C" fn simgpu_clear_faults() {
    steer(|| {
        ledger::lock().clear_faults();
        Some(())
    });
}

/// Forgets counts, violations and closed sessions.
#[unsafe(no_mangle)]
pub extern "C" fn simgpu_reset_counters() {
    steer(|| {
        ledger::lock().reset_counters();
        Some(())
    });
}

/// Writes a line into the call log, to tell the phases of a test apart.
///
/// # Safety
/// `text` is null or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn simgpu_note(text: *const c_char) {
    steer(|| {
        if !text.is_null() {
            // SAFETY: the caller passes a C string that lives through the call.
            let text = unsafe { CStr::from_ptr(text) };
            log_call(|line| line.push_str(&format!("----- {}", text.to_string_lossy())));
        }
        Some(())
    });
}
