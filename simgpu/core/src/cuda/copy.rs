//! Copies between host and device memory, counted by direction.

use super::layout::{Memcpy2d, Plane};
use super::stream;
use crate::api::Out;
use crate::context;
use crate::ledger::{self, Handle, State};
use crate::memory::{DevicePtr, Span};
use crate::status::{Outcome, cu};

const HOST: u32 = 1;
const DEVICE: u32 = 2;
const UNIFIED: u32 = 4;

/// One end of a copy, as the program names it.
struct Side {
    memory_type: u32,
    address: u64,
    pitch: usize,
}

impl Side {
    fn plane(plane: &Plane) -> Side {
        let base = if plane.memory_type == HOST { plane.host as u64 } else { plane.device };
        let offset = plane.y.wrapping_mul(plane.pitch).wrapping_add(plane.x_in_bytes);
        Side { memory_type: plane.memory_type, address: base.wrapping_add(offset as u64), pitch: plane.pitch }
    }
}

/// One end of a copy, where its bytes are.
enum Place {
    Host(*mut u8),
    Device(Span),
}

impl Place {
    fn start(&self) -> *mut u8 {
        match self {
            Place::Host(start) => *start,
            Place::Device(span) => span.as_ptr(),
        }
    }
}

fn locate(state: &mut State, side: &Side, length: usize, by: &str) -> Outcome<Place> {
    let address = side.address;
    let on_device = match side.memory_type {
        HOST if state.is_device_address(address) => {
            state.violation(format!("{by}: device address {address:#x} passed as host memory"));
            return Err(cu::INVALID_VALUE);
        }
        HOST => false,
        DEVICE => true,
        UNIFIED => state.is_device_address(address),
        _ => return Err(cu::NOT_SUPPORTED),
    };
    if on_device {
        return Ok(Place::Device(state.resolve(address, length, by)?));
    }
    if address == 0 { Err(cu::INVALID_VALUE) } else { Ok(Place::Host(address as *mut u8)) }
}

fn copy(by: &str, from: Side, to: Side, width: usize, height: usize) -> Outcome {
    context::require()?;
    if width == 0 || height == 0 {
        return Ok(());
    }
    if height > 1 && (from.pitch < width || to.pitch < width) {
        return Err(cu::INVALID_VALUE);
    }
    let length = |pitch: usize| pitch.checked_mul(height - 1)?.checked_add(width);
    let mut state = ledger::lock();
    let source = locate(&mut state, &from, length(from.pitch).ok_or(cu::INVALID_VALUE)?, by)?;
    let target = locate(&mut state, &to, length(to.pitch).ok_or(cu::INVALID_VALUE)?, by)?;
    let bytes = &mut state.bytes;
    let counter = match (&source, &target) {
        (Place::Host(_), Place::Device(_)) => &mut bytes.host_to_device,
        (Place::Device(_), Place::Host(_)) => &mut bytes.device_to_host,
        (Place::Device(_), Place::Device(_)) => &mut bytes.device_to_device,
        (Place::Host(_), Place::Host(_)) => &mut bytes.host_to_host,
    };
    *counter += (width * height) as u64;
    drop(state);
    for row in 0..height {
        // SAFETY: a device side's rows lie in its span, which resolve checked; a host side's rows are the caller's to
        // vouch for by the driver interface. The two may overlap, hence `copy`.
        unsafe { std::ptr::copy(source.start().add(row * from.pitch), target.start().add(row * to.pitch), width) };
    }
    Ok(())
}

fn copy_2d(by: &str, parameters: Out<Memcpy2d>) -> Outcome {
    let parameters = parameters.structure(cu::INVALID_VALUE)?;
    let (from, to) = (Side::plane(&parameters.source), Side::plane(&parameters.destination));
    copy(by, from, to, parameters.width_in_bytes, parameters.height)
}

fn linear(by: &str, from: (u32, u64), to: (u32, u64), count: usize) -> Outcome {
    let side = |(memory_type, address)| Side { memory_type, address, pitch: count };
    copy(by, side(from), side(to), count, 1)
}

api! { export;
    fn cuMemcpy2D_v2(parameters: Out<Memcpy2d>) {
        copy_2d("cuMemcpy2D", parameters)
    }

    fn cuMemcpy2DUnaligned_v2(parameters: Out<Memcpy2d>) {
        copy_2d("cuMemcpy2DUnaligned", parameters)
    }

    fn cuMemcpy2DAsync_v2(parameters: Out<Memcpy2d>, stream: Handle) {
        stream::check(stream, "cuMemcpy2DAsync")?;
        copy_2d("cuMemcpy2DAsync", parameters)
    }

    fn cuMemcpy(target: DevicePtr, source: DevicePtr, count: usize) {
        linear("cuMemcpy", (UNIFIED, source), (UNIFIED, target), count)
    }

    fn cuMemcpyAsync(target: DevicePtr, source: DevicePtr, count: usize, stream: Handle) {
        stream::check(stream, "cuMemcpyAsync")?;
        linear("cuMemcpyAsync", (UNIFIED, source), (UNIFIED, target), count)
    }

    fn cuMemcpyHtoD_v2(target: DevicePtr, source: u64, count: usize) {
        linear("cuMemcpyHtoD", (HOST, source), (DEVICE, target), count)
    }

    fn cuMemcpyHtoDAsync_v2(target: DevicePtr, source: u64, count: usize, stream: Handle) {
        stream::check(stream, "cuMemcpyHtoDAsync")?;
        linear("cuMemcpyHtoDAsync", (HOST, source), (DEVICE, target), count)
    }

    fn cuMemcpyDtoH_v2(target: u64, source: DevicePtr, count: usize) {
        linear("cuMemcpyDtoH", (DEVICE, source), (HOST, target), count)
    }

    fn cuMemcpyDtoHAsync_v2(target: u64, source: DevicePtr, count: usize, stream: Handle) {
        stream::check(stream, "cuMemcpyDtoHAsync")?;
        linear("cuMemcpyDtoHAsync", (DEVICE, source), (HOST, target), count)
    }

    fn cuMemcpyDtoD_v2(target: DevicePtr, source: DevicePtr, count: usize) {
        linear("cuMemcpyDtoD", (DEVICE, source), (DEVICE, target), count)
    }

    fn cuMemcpyDtoDAsync_v2(target: DevicePtr, source: DevicePtr, count: usize, stream: Handle) {
        stream::check(stream, "cuMemcpyDtoDAsync")?;
        linear("cuMemcpyDtoDAsync", (DEVICE, source), (DEVICE, target), count)
    }
}
