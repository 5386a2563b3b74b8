//! Devices and what they say of themselves.

use crate::api::Out;
use crate::ledger::{self, State};
use crate::status::{Outcome, cu};
use std::ffi::{c_char, c_int, c_uint};

/// A `CUdevice`.
pub type Device = c_int;

const TEXTURE_ALIGNMENT: c_int = 512;

/// Checks that CUDA is initialised and the device exists.
pub fn check(state: &State, device: Device) -> Outcome {
    if !state.cuda.initialized {
        return Err(cu::NOT_INITIALIZED);
    }
    match u32::try_from(device) {
        Ok(ordinal) if ordinal < state.config.devices => Ok(()),
        _ => Err(cu::INVALID_DEVICE),
    }
}

/// Copies a text into the caller's buffer of `length` bytes, cut short if it must be, always closed by a 0.
fn put_text(text: &str, buffer: *mut c_char, length: c_int) -> Outcome {
    let room = usize::try_from(length).ok().and_then(|length| length.checked_sub(1)).ok_or(cu::INVALID_VALUE)?;
    if buffer.is_null() {
        return Err(cu::INVALID_VALUE);
    }
    let count = text.len().min(room);
    // SAFETY: by the driver interface the caller's buffer has `length` bytes, and count + 1 is no more than that.
    unsafe {
        std::ptr::copy_nonoverlapping(text.as_ptr(), buffer.cast(), count);
        buffer.add(count).write(0);
    }
    Ok(())
}

fn bus_id(device: Device) -> String {
    format!("0000:{:02x}:00.0", device + 1)
}

fn uuid(device: Device) -> [u8; 16] {
    let mut uuid = *b"SIMULATED GPU \0\0";
    uuid[15] = device as u8;
    uuid
}

/// `CUdevice_attribute` by number. Those that nothing here depends on say 0.
fn attribute(state: &State, attribute: c_int) -> c_int {
    let (major, minor) = state.config.compute_capability;
    match attribute {
        1 | 2 => 1024,           // threads per block, block width
        3 => 1024,               // block height
        4 => 64,                 // block depth
        5 => c_int::MAX,         // grid width
        6 | 7 => 65535,          // grid height and depth
        8 => 48 << 10,           // shared memory per block
        10 => 32,                // warp size
        11 => c_int::MAX,        // pitch
        13 => 1_500_000,         // clock in kHz
        14 => TEXTURE_ALIGNMENT, // texture alignment
        15 => 1,                 // a copy and a kernel may overlap
        16 => 28,                // multiprocessors
        31 => 1,                 // concurrent kernels
        33 => 1,                 // PCI bus
        41 => 1,                 // unified addressing
        51 => 32,                // texture pitch alignment
        75 => major as c_int,    // compute capability
        76 => minor as c_int,
        _ => 0,
    }
}

api! { export;
    fn cuInit(flags: c_uint) {
        let mut state = ledger::lock();
        if flags != 0 {
            return Err(cu::INVALID_VALUE);
        }
        if state.config.devices == 0 {
            return Err(cu::NO_DEVICE);
        }
        state.cuda.initialized = true;
        Ok(())
    }

    fn cuDriverGetVersion(version: Out<c_int>) {
        version.set(ledger::lock().config.cuda_version as c_int)
    }

    fn cuDeviceGetCount(count: Out<c_int>) {
        let state = ledger::lock();
        if !state.cuda.initialized {
            return Err(cu::NOT_INITIALIZED);
        }
        count.set(state.config.devices as c_int)
    }

    fn cuDeviceGet(device: Out<Device>, ordinal: c_int) {
        check(&ledger::lock(), ordinal)?;
        device.set(ordinal)
    }

    fn cuDeviceGetAttribute(value: Out<c_int>, which: c_int, device: Device) {
        let state = ledger::lock();
        check(&state, device)?;
        value.set(attribute(&state, which))
    }

    fn cuDeviceGetName(name: *mut c_char, length: c_int, device: Device) {
        check(&ledger::lock(), device)?;
        put_text("SIMULATED GPU", name, length)
    }

    fn cuDeviceComputeCapability(major: Out<c_int>, minor: Out<c_int>, device: Device) {
        let state = ledger::lock();
        check(&state, device)?;
        major.set(state.config.compute_capability.0 as c_int)?;
        minor.set(state.config.compute_capability.1 as c_int)
    }

    fn cuDeviceTotalMem_v2(bytes: Out<usize>, device: Device) {
        let state = ledger::lock();
        check(&state, device)?;
        bytes.set(state.config.device_memory as usize)
    }

    fn cuDeviceGetUuid(id: Out<[u8; 16]>, device: Device) {
        check(&ledger::lock(), device)?;
        id.set(uuid(device))
    }

    fn cuDeviceGetUuid_v2(id: Out<[u8; 16]>, device: Device) {
        check(&ledger::lock(), device)?;
        id.set(uuid(device))
    }

    fn cuDeviceGetPCIBusId(id: *mut c_char, length: c_int, device: Device) {
        check(&ledger::lock(), device)?;
        put_text(&bus_id(device), id, length)
    }

    fn cuDeviceGetByPCIBusId(device: Out<Device>, id: *const c_char) {
        if id.is_null() {
            return Err(cu::INVALID_VALUE);
        }
        // SAFETY: by the driver interface `id` is a C string.
        let id = unsafe { std::ffi::CStr::from_ptr(id) };
        let count = ledger::lock().config.devices as c_int;
        let found = (0..count).find(|found| bus_id(*found).as_bytes() == id.to_bytes());
        device.set(found.ok_or(cu::INVALID_DEVICE)?)
    }
}
