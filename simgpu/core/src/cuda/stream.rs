//! Streams and events. All work is done when it is submitted, so waiting never waits.

use crate::api::Out;
use crate::context;
use crate::ledger::{self, Handle, Kind};
use crate::status::{Outcome, cu};
use std::ffi::{c_int, c_uint, c_void};

/// The default stream, the legacy one and the one per thread have fixed numbers.
const LAST_FIXED: Handle = 2;

/// Checks a stream handle.
pub fn check(stream: Handle, by: &str) -> Outcome {
    if stream <= LAST_FIXED || ledger::lock().check(stream, Kind::Stream, by) {
        return Ok(());
    }
    Err(cu::INVALID_HANDLE)
}

fn check_event(event: Handle, by: &str) -> Outcome {
    if ledger::lock().check(event, Kind::Event, by) { Ok(()) } else { Err(cu::INVALID_HANDLE) }
}

fn create(handle: Out<Handle>, kind: Kind) -> Outcome {
    let context = context::require()?;
    handle.set(ledger::lock().create(kind, context, 0))
}

fn destroy(handle: Handle, kind: Kind, by: &str) -> Outcome {
    if ledger::lock().destroy(handle, kind, by) { Ok(()) } else { Err(cu::INVALID_HANDLE) }
}

/// What a stream runs on the host.
type Callback = Option<unsafe extern "C" fn(stream: Handle, status: u32, data: *mut c_void)>;

impl crate::api::Argument for Callback {
    fn show(&self, line: &mut String) {
        line.push_str(if self.is_some() { "set" } else { "0" });
    }
}

api! { export;
    fn cuStreamCreate(stream: Out<Handle>, flags: c_uint) {
        create(stream, Kind::Stream)
    }

    fn cuStreamCreateWithPriority(stream: Out<Handle>, flags: c_uint, priority: c_int) {
        create(stream, Kind::Stream)
    }

    fn cuStreamDestroy_v2(stream: Handle) {
        destroy(stream, Kind::Stream, "cuStreamDestroy")
    }

    fn cuStreamQuery(stream: Handle) {
        check(stream, "cuStreamQuery")
    }

    fn cuStreamSynchronize(stream: Handle) {
        context::require()?;
        check(stream, "cuStreamSynchronize")
    }

    /// The callback runs at once, as it may on an idle stream.
    fn cuStreamAddCallback(stream: Handle, callback: Callback, data: *mut c_void, flags: c_uint) {
        context::require()?;
        check(stream, "cuStreamAddCallback")?;
        let callback = callback.ok_or(cu::INVALID_VALUE)?;
        // SAFETY: by the driver interface the function may be called with the data given, and no lock is held here.
        unsafe { callback(stream, 0, data) };
        Ok(())
    }

    fn cuStreamWaitEvent(stream: Handle, event: Handle, flags: c_uint) {
        check(stream, "cuStreamWaitEvent")?;
        check_event(event, "cuStreamWaitEvent")
    }

    fn cuEventCreate(event: Out<Handle>, flags: c_uint) {
        create(event, Kind::Event)
    }

    fn cuEventDestroy_v2(event: Handle) {
        destroy(event, Kind::Event, "cuEventDestroy")
    }

    fn cuEventSynchronize(event: Handle) {
        check_event(event, "cuEventSynchronize")
    }

    fn cuEventQuery(event: Handle) {
        check_event(event, "cuEventQuery")
    }

    fn cuEventRecord(event: Handle, stream: Handle) {
        check(stream, "cuEventRecord")?;
        check_event(event, "cuEventRecord")
    }
}
