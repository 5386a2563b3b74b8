//! Device memory as input: register, map, unmap, unregister.

use super::layout::{self, Map, Register};
use super::pixels::{Format, Shape};
use super::session::{Registered, with_current};
use crate::api::Out;
use crate::ledger::{self, Handle, Kind};
use crate::memory::Found;
use crate::status::nv;

const CUDA_DEVICE_POINTER: u32 = 1;

api! { table;
    fn nvEncRegisterResource(encoder: Handle, parameters: Out<Register>) {
        let by = "nvEncRegisterResource";
        let parameters = layout::structure(parameters)?;
        with_current(encoder, by, |session| {
            if parameters.resource_type != CUDA_DEVICE_POINTER {
                return Err(nv::UNSUPPORTED_PARAM);
            }
            let format = Format::from_number(parameters.format).ok_or(nv::UNSUPPORTED_PARAM)?;
            let (width, height) = (parameters.width as usize, parameters.height as usize);
            let shape = Shape { format, width, height, pitch: parameters.pitch as usize };
            let bytes = shape.bytes().filter(|_| parameters.pitch % 4 == 0).ok_or(nv::INVALID_PARAM)?;
            let pointer = parameters.resource;
            let mut state = ledger::lock();
            state.resolve(pointer, bytes, by).map_err(|_| nv::RESOURCE_REGISTER_FAILED)?;
            let Found::Live(allocation, _) = state.memory.find(pointer) else {
                return Err(nv::RESOURCE_REGISTER_FAILED);
            };
            let handle = state.create(Kind::RegisteredResource, session.context, session.handle);
            state.pin(allocation, handle);
            drop(state);
            session.registered.insert(handle, Registered { pointer, allocation, shape, mapped: false });
            parameters.registered = handle;
            Ok(())
        })
    }

    fn nvEncUnregisterResource(encoder: Handle, registered: Handle) {
        let by = "nvEncUnregisterResource";
        with_current(encoder, by, |session| {
            let Some(found) = session.registered.remove(&registered) else {
                ledger::lock().check(registered, Kind::RegisteredResource, by);
                return Err(nv::RESOURCE_NOT_REGISTERED);
            };
            let mut state = ledger::lock();
            if found.mapped {
                state.violation(format!("{by}: {registered:#x} is still mapped"));
            }
            state.unpin(found.allocation, registered);
            state.destroy(registered, Kind::RegisteredResource, by);
            Ok(())
        })
    }

    fn nvEncMapInputResource(encoder: Handle, parameters: Out<Map>) {
        let by = "nvEncMapInputResource";
        let parameters = layout::structure(parameters)?;
        let registered = parameters.registered;
        with_current(encoder, by, |session| {
            let handle = session.create(Kind::MappedResource);
            let undo = |status| {
                ledger::lock().destroy(handle, Kind::MappedResource, by);
                Err(status)
            };
            let Some(found) = session.registered.get_mut(&registered) else {
                ledger::lock().check(registered, Kind::RegisteredResource, by);
                return undo(nv::RESOURCE_NOT_REGISTERED);
            };
            if found.mapped {
                ledger::lock().violation(format!("{by}: {registered:#x} is mapped already"));
                return undo(nv::MAP_FAILED);
            }
            found.mapped = true;
            parameters.mapped = handle;
            parameters.format = found.shape.format.number();
            session.mapped.insert(handle, registered);
            Ok(())
        })
    }

    fn nvEncUnmapInputResource(encoder: Handle, mapped: Handle) {
        let by = "nvEncUnmapInputResource";
        with_current(encoder, by, |session| {
            if session.in_flight(mapped) {
                session.violation(format!("{by}: {mapped:#x} is in flight"));
            }
            let Some(registered) = session.mapped.remove(&mapped) else {
                ledger::lock().check(mapped, Kind::MappedResource, by);
                return Err(nv::RESOURCE_NOT_MAPPED);
            };
            if let Some(found) = session.registered.get_mut(&registered) {
                found.mapped = false;
            }
            ledger::lock().destroy(mapped, Kind::MappedResource, by);
            Ok(())
        })
    }
}
