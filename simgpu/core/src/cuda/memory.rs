//! Device memory: allocate, free, fill.

use super::stream;
use crate::api::Out;
use crate::context;
use crate::ledger::{self, Handle, Kind};
use crate::memory::{DevicePtr, Found};
use crate::status::{Outcome, cu};
use std::ffi::{c_int, c_uint};

/// The pitch that allocations get, in bytes.
const PITCH: usize = 512;

fn fill(by: &str, pointer: DevicePtr, pitch: usize, value: u8, width: usize, height: usize) -> Outcome {
    context::require()?;
    if width == 0 || height == 0 {
        return Ok(());
    }
    if height > 1 && pitch < width {
        return Err(cu::INVALID_VALUE);
    }
    let length = pitch.checked_mul(height - 1).and_then(|above| above.checked_add(width)).ok_or(cu::INVALID_VALUE)?;
    let span = ledger::lock().resolve(pointer, length, by)?;
    for row in 0..height {
        // SAFETY: resolve checked that all rows, up to pitch * (height - 1) + width, lie in the span.
        unsafe { span.as_ptr().add(row * pitch).write_bytes(value, width) };
    }
    Ok(())
}

api! { export;
    fn cuMemGetInfo_v2(free: Out<usize>, total: Out<usize>) {
        context::require()?;
        let state = ledger::lock();
        free.set(state.config.device_memory.saturating_sub(state.memory.used) as usize)?;
        total.set(state.config.device_memory as usize)
    }

    fn cuMemAlloc_v2(pointer: Out<DevicePtr>, size: usize) {
        let context = context::require()?;
        pointer.set(ledger::lock().allocate(size, context, Kind::DeviceMemory, 0)?)
    }

    fn cuMemAllocPitch_v2(
        pointer: Out<DevicePtr>, pitch: Out<usize>, width: usize, height: usize, element: c_uint
    ) {
        let context = context::require()?;
        let row = width.checked_next_multiple_of(PITCH).ok_or(cu::INVALID_VALUE)?;
        let size = row.checked_mul(height).ok_or(cu::INVALID_VALUE)?;
        pointer.set(ledger::lock().allocate(size, context, Kind::DeviceMemory, 0)?)?;
        pitch.set(row)
    }

    fn cuMemAllocManaged(pointer: Out<DevicePtr>, size: usize, flags: c_uint) {
        Err(cu::NOT_SUPPORTED)
    }

    fn cuMemFree_v2(pointer: DevicePtr) {
        context::require()?;
        if pointer == 0 {
            return Ok(());
        }
        let mut state = ledger::lock();
        let Some(found) = state.memory.at(pointer) else {
            let what = match state.memory.find(pointer) {
                Found::Live(start, _) => format!("is inside an allocation that starts at {start:#x}"),
                Found::Freed(..) => "was freed before, or went with its context".into(),
                Found::Unknown => "is no device address".into(),
            };
            state.violation(format!("cuMemFree: {pointer:#x} {what}"));
            return Err(cu::INVALID_VALUE);
        };
        if found.kind != Kind::DeviceMemory {
            let kind = found.kind.name();
            state.violation(format!("cuMemFree: {pointer:#x} is a {kind} and belongs to the driver"));
            return Err(cu::INVALID_VALUE);
        }
        let pins = found.pins.clone();
        for pin in pins {
            state.violation(format!("cuMemFree: {pointer:#x} is still registered with an encoder ({pin:#x})"));
        }
        state.release(pointer);
        Ok(())
    }

    fn cuMemGetAddressRange_v2(base: Out<DevicePtr>, size: Out<usize>, pointer: DevicePtr) {
        context::require()?;
        match ledger::lock().memory.find(pointer) {
            Found::Live(start, found) => {
                base.set_if_wanted(start);
                size.set_if_wanted(found.size);
                Ok(())
            }
            _ => Err(cu::NOT_FOUND),
        }
    }

    /// `CU_POINTER_ATTRIBUTE_CONTEXT`, `_MEMORY_TYPE` and `_DEVICE_ORDINAL`.
    fn cuPointerGetAttribute(data: *mut u8, attribute: c_int, pointer: DevicePtr) {
        let state = ledger::lock();
        let Found::Live(_, found) = state.memory.find(pointer) else { return Err(cu::INVALID_VALUE) };
        if data.is_null() {
            return Err(cu::INVALID_VALUE);
        }
        let device = state.cuda.devices.get(&found.context).copied().unwrap_or_default();
        // SAFETY: by the driver interface `data` has room for the attribute's type, which these are.
        unsafe {
            match attribute {
                1 => data.cast::<Handle>().write_unaligned(found.context),
                2 => data.cast::<c_uint>().write_unaligned(2),
                9 => data.cast::<c_int>().write_unaligned(device),
                _ => return Err(cu::NOT_SUPPORTED),
            }
        }
        Ok(())
    }

    fn cuMemsetD8_v2(pointer: DevicePtr, value: u8, count: usize) {
        fill("cuMemsetD8", pointer, count, value, count, 1)
    }

    fn cuMemsetD8Async(pointer: DevicePtr, value: u8, count: usize, stream: Handle) {
        stream::check(stream, "cuMemsetD8Async")?;
        fill("cuMemsetD8Async", pointer, count, value, count, 1)
    }

    fn cuMemsetD2D8_v2(pointer: DevicePtr, pitch: usize, value: u8, width: usize, height: usize) {
        fill("cuMemsetD2D8", pointer, pitch, value, width, height)
    }

    fn cuMemsetD2D8Async(pointer: DevicePtr, pitch: usize, value: u8, width: usize, height: usize, stream: Handle) {
        stream::check(stream, "cuMemsetD2D8Async")?;
        fill("cuMemsetD2D8Async", pointer, pitch, value, width, height)
    }
}
