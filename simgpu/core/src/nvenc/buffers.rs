//! Input buffers in system memory, and bitstream buffers.

use super::layout::{self, CreateBitstreamBuffer, CreateInputBuffer, LockInput};
use super::pixels::{Format, Shape};
use super::session::{InputBuffer, Output, with, with_current};
use crate::api::Out;
use crate::ledger::{self, Handle, Kind};
use crate::memory::HostMemory;
use crate::status::{Outcome, nv};

/// Rows of input buffers begin at multiples of this.
const PITCH: usize = 64;

fn destroy(handle: Handle, kind: Kind, by: &str) -> Outcome {
    if ledger::lock().destroy(handle, kind, by) { Ok(()) } else { Err(nv::INVALID_PARAM) }
}

api! { table;
    fn nvEncCreateInputBuffer(encoder: Handle, parameters: Out<CreateInputBuffer>) {
        let parameters = layout::structure(parameters)?;
        with_current(encoder, "nvEncCreateInputBuffer", |session| {
            session.stream()?;
            let format = Format::from_number(parameters.format).ok_or(nv::UNSUPPORTED_PARAM)?;
            let (width, height) = (parameters.width as usize, parameters.height as usize);
            let shape = Shape { format, width, height, pitch: width.next_multiple_of(PITCH) };
            shape.bytes().ok_or(nv::INVALID_PARAM)?;
            // Whole rows: a program may copy the last row of each plane with its padding.
            let memory = HostMemory::new(shape.pitch * (height + 2 * height.div_ceil(2)));
            let handle = session.create(Kind::InputBuffer);
            session.inputs.insert(handle, InputBuffer { shape, memory, locked: false });
            parameters.buffer = handle;
            Ok(())
        })
    }

    fn nvEncDestroyInputBuffer(encoder: Handle, buffer: Handle) {
        let by = "nvEncDestroyInputBuffer";
        with_current(encoder, by, |session| {
            if session.in_flight(buffer) {
                session.violation(format!("{by}: {buffer:#x} is in flight"));
            }
            session.inputs.remove(&buffer);
            destroy(buffer, Kind::InputBuffer, by)
        })
    }

    fn nvEncLockInputBuffer(encoder: Handle, parameters: Out<LockInput>) {
        let by = "nvEncLockInputBuffer";
        let parameters = layout::structure(parameters)?;
        let buffer = parameters.buffer;
        with(encoder, by, |session| {
            if session.in_flight(buffer) {
                session.violation(format!("{by}: {buffer:#x} is in flight"));
                return Err(nv::LOCK_BUSY);
            }
            let Some(found) = session.inputs.get_mut(&buffer) else {
                ledger::lock().check(buffer, Kind::InputBuffer, by);
                return Err(nv::INVALID_PARAM);
            };
            found.locked = true;
            parameters.data = found.memory.as_ptr();
            parameters.pitch = found.shape.pitch as u32;
            Ok(())
        })
    }

    fn nvEncUnlockInputBuffer(encoder: Handle, buffer: Handle) {
        let by = "nvEncUnlockInputBuffer";
        with(encoder, by, |session| {
            match session.inputs.get_mut(&buffer) {
                Some(found) if found.locked => {
                    found.locked = false;
                    Ok(())
                }
                _ => {
                    session.violation(format!("{by}: {buffer:#x} is not locked"));
                    Err(nv::INVALID_PARAM)
                }
            }
        })
    }

    fn nvEncCreateBitstreamBuffer(encoder: Handle, parameters: Out<CreateBitstreamBuffer>) {
        let parameters = layout::structure(parameters)?;
        with_current(encoder, "nvEncCreateBitstreamBuffer", |session| {
            session.stream()?;
            let handle = session.create(Kind::BitstreamBuffer);
            session.outputs.insert(handle, Output::Free);
            parameters.buffer = handle;
            Ok(())
        })
    }

    fn nvEncDestroyBitstreamBuffer(encoder: Handle, buffer: Handle) {
        let by = "nvEncDestroyBitstreamBuffer";
        with_current(encoder, by, |session| {
            // FFmpeg destroys the null buffers of an open that failed half way; the driver just refuses.
            if buffer == 0 {
                return Err(nv::INVALID_PTR);
            }
            if let Some(Output::Locked { .. }) = session.outputs.remove(&buffer) {
                session.violation(format!("{by}: {buffer:#x} is locked"));
            }
            destroy(buffer, Kind::BitstreamBuffer, by)
        })
    }
}
