//! The handle by which a test reads and steers the driver.

use crate::wire::{Config, Fault, Ledger};
use serde::Serialize;
use std::ffi::{CString, c_char, c_int};

/// The C functions of the driver's core that this crate calls.
#[derive(Clone, Copy)]
pub(crate) struct Functions {
    pub(crate) ledger: unsafe extern "C" fn(*mut c_char, usize) -> usize,
    pub(crate) configure: unsafe extern "C" fn(*const c_char) -> c_int,
    pub(crate) fail: unsafe extern "C" fn(*const c_char) -> c_int,
    pub(crate) clear_faults: unsafe extern "C" fn(),
    pub(crate) reset_counters: unsafe extern "C" fn(),
    pub(crate) note: unsafe extern "C" fn(*const c_char),
}

/// The SIMULATED driver of this process. Copies are the same driver.
#[derive(Clone, Copy)]
pub struct Simgpu {
    pub(crate) functions: Functions,
}

impl std::fmt::Debug for Simgpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Simgpu")
    }
}

impl Simgpu {
    /// A snapshot of what the driver has counted.
    pub fn ledger(&self) -> Ledger {
        let mut json: Vec<u8> = Vec::new();
        loop {
            // SAFETY: the function comes from the driver's core, whose interface version `start` checked, and the buffer has the
            // capacity given.
            let length = unsafe { (self.functions.ledger)(json.as_mut_ptr().cast(), json.capacity()) };
            if length < json.capacity() {
                // SAFETY: the driver wrote `length` bytes, since they fitted.
                unsafe { json.set_len(length) };
                break;
            }
            // Room for what other threads add meanwhile.
            json = Vec::with_capacity(length * 2 + 1);
        }
        serde_json::from_slice(&json).expect("both sides are compiled from wire.rs")
    }

    /// Sets byte and call counts to zero and forgets violations and closed sessions. What is alive stays.
    pub fn reset_counters(&self) {
        // SAFETY: the function comes from the driver's core, whose interface version `start` checked.
        unsafe { (self.functions.reset_counters)() };
    }

    /// Lets a call fail.
    ///
    /// ```
    /// let gpu = simgpu::start()?;
    /// // The second allocation from now finds no memory (CUDA_ERROR_OUT_OF_MEMORY).
    /// gpu.fail(simgpu::Fault { function: "cuMemAlloc_v2".into(), nth: 2, status: 2, sticky: false });
    /// gpu.clear_faults();
    /// # Ok::<(), simgpu::StartError>(())
    /// ```
    pub fn fail(&self, fault: Fault) {
        self.send(self.functions.fail, &fault);
    }

    /// Takes back all faults.
    pub fn clear_faults(&self) {
        // SAFETY: the function comes from the driver's core, whose interface version `start` checked.
        unsafe { (self.functions.clear_faults)() };
    }

    /// Changes what kind of machine is simulated. What exists already keeps what it was made with.
    ///
    /// ```
    /// let gpu = simgpu::start()?;
    /// // As on an H100, which has no encoder.
    /// gpu.configure(simgpu::Config { nvenc_engine: false, ..Default::default() });
    /// # Ok::<(), simgpu::StartError>(())
    /// ```
    pub fn configure(&self, config: Config) {
        self.send(self.functions.configure, &config);
    }

    /// Writes a line into the call log (`SIMGPU_LOG`), to tell the phases of a test apart.
    pub fn note(&self, text: &str) {
        let text = CString::new(text.replace('\0', " ")).unwrap_or_default();
        // SAFETY: the function comes from the driver's core, whose interface version `start` checked; the text is a C string.
        unsafe { (self.functions.note)(text.as_ptr()) };
    }

    fn send(&self, function: unsafe extern "C" fn(*const c_char) -> c_int, value: &impl Serialize) {
        let json = serde_json::to_string(value).expect("plain structs are JSON");
        let json = CString::new(json).expect("JSON escapes zero bytes");
        // SAFETY: the function comes from the driver's core, whose interface version `start` checked; the text is a C string.
        let status = unsafe { function(json.as_ptr()) };
        assert_eq!(status, 0, "the driver did not understand {json:?}, although both sides are compiled from wire.rs");
    }
}
