//! Contexts: own ones, a device's primary one, and which is current.

use super::device::{self, Device};
use crate::api::Out;
use crate::context;
use crate::ledger::{self, Handle, Kind, State};
use crate::status::{Outcome, cu};
use std::ffi::{c_int, c_uint};

fn create(state: &mut State, device: Device) -> Handle {
    let context = state.create(Kind::Context, 0, 0);
    state.cuda.devices.insert(context, device);
    context
}

/// Ends a context. The driver takes down with it what is CUDA's own; what the encoder and decoder have in it is stranded.
fn destroy(state: &mut State, context: Handle, by: &str) -> Outcome {
    if !state.destroy(context, Kind::Context, by) {
        return Err(cu::INVALID_CONTEXT);
    }
    let dependants = state.dependants(context);
    if !dependants.is_empty() {
        let (count, list) = (dependants.len(), dependants.join(" "));
        state.violation(format!("{by}: context {context:#x} destroyed with {count} dependants: {list}"));
    }
    state.cuda.devices.remove(&context);
    state.end_context(context);
    Ok(())
}

api! { export;
    fn cuCtxCreate_v2(context: Out<Handle>, flags: c_uint, device: Device) {
        let created = {
            let mut state = ledger::lock();
            device::check(&state, device)?;
            create(&mut state, device)
        };
        context::push(created);
        context.set(created)
    }

    fn cuCtxDestroy_v2(context: Handle) {
        let mut state = ledger::lock();
        if state.cuda.primary.values().any(|primary| primary.context == context && context != 0) {
            state.violation(format!("cuCtxDestroy: {context:#x} is a primary context"));
            return Err(cu::INVALID_CONTEXT);
        }
        destroy(&mut state, context, "cuCtxDestroy")?;
        drop(state);
        if context::current() == context {
            context::pop();
        }
        Ok(())
    }

    fn cuCtxSetLimit(limit: c_int, value: usize) {
        context::require().map(|_| ())
    }

    fn cuCtxPushCurrent_v2(context: Handle) {
        if !ledger::lock().check(context, Kind::Context, "cuCtxPushCurrent") {
            return Err(cu::INVALID_CONTEXT);
        }
        context::push(context);
        Ok(())
    }

    fn cuCtxPopCurrent_v2(context: Out<Handle>) {
        match context::pop() {
            Some(popped) => {
                context.set_if_wanted(popped);
                Ok(())
            }
            None => {
                ledger::lock().violation("cuCtxPopCurrent: no context is current".into());
                Err(cu::INVALID_CONTEXT)
            }
        }
    }

    fn cuCtxGetCurrent(context: Out<Handle>) {
        context.set(context::current())
    }

    fn cuCtxSetCurrent(context: Handle) {
        if context != 0 && !ledger::lock().check(context, Kind::Context, "cuCtxSetCurrent") {
            return Err(cu::INVALID_CONTEXT);
        }
        context::replace(context);
        Ok(())
    }

    fn cuCtxGetDevice(device: Out<Device>) {
        let context = context::require()?;
        let found = ledger::lock().cuda.devices.get(&context).copied();
        device.set(found.ok_or(cu::INVALID_CONTEXT)?)
    }

    fn cuCtxSynchronize() {
        context::require().map(|_| ())
    }

    fn cuCtxGetApiVersion(context: Handle, version: Out<c_uint>) {
        version.set(3020)
    }

    fn cuDevicePrimaryCtxRetain(context: Out<Handle>, device: Device) {
        let mut state = ledger::lock();
        device::check(&state, device)?;
        if state.cuda.primary.entry(device).or_default().retained == 0 {
            let created = create(&mut state, device);
            state.cuda.primary.entry(device).or_default().context = created;
        }
        let primary = state.cuda.primary.entry(device).or_default();
        primary.retained += 1;
        context.set(primary.context)
    }

    fn cuDevicePrimaryCtxRelease(device: Device) {
        release(device, "cuDevicePrimaryCtxRelease")
    }

    /// The name that newer headers give it.
    fn cuDevicePrimaryCtxRelease_v2(device: Device) {
        release(device, "cuDevicePrimaryCtxRelease")
    }

    fn cuDevicePrimaryCtxSetFlags(device: Device, flags: c_uint) {
        set_flags(device, flags)
    }

    fn cuDevicePrimaryCtxSetFlags_v2(device: Device, flags: c_uint) {
        set_flags(device, flags)
    }

    fn cuDevicePrimaryCtxGetState(device: Device, flags: Out<c_uint>, active: Out<c_int>) {
        let state = ledger::lock();
        device::check(&state, device)?;
        let primary = state.cuda.primary.get(&device).copied().unwrap_or_default();
        flags.set(primary.flags)?;
        active.set((primary.retained > 0).into())
    }

    fn cuDevicePrimaryCtxReset(device: Device) {
        Err(cu::NOT_SUPPORTED)
    }
}

fn release(device: Device, by: &str) -> Outcome {
    let mut state = ledger::lock();
    device::check(&state, device)?;
    let primary = state.cuda.primary.entry(device).or_default();
    match primary.retained {
        0 => {
            state.violation(format!("{by}: the primary context of device {device} is not retained"));
            Err(cu::INVALID_CONTEXT)
        }
        1 => {
            let context = std::mem::take(&mut primary.context);
            primary.retained = 0;
            destroy(&mut state, context, by)
        }
        _ => {
            primary.retained -= 1;
            Ok(())
        }
    }
}

fn set_flags(device: Device, flags: u32) -> Outcome {
    let mut state = ledger::lock();
    device::check(&state, device)?;
    let primary = state.cuda.primary.entry(device).or_default();
    if primary.retained > 0 && primary.flags != flags {
        return Err(cu::PRIMARY_CONTEXT_ACTIVE);
    }
    primary.flags = flags;
    Ok(())
}
