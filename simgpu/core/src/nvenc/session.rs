//! Encode sessions: the table of them, opening and destroying.

use super::layout::{self, OpenSession};
use super::pixels::Shape;
use crate::api::Out;
use crate::context;
use crate::h264::{Encoder, Force, Packet, Parameters};
use crate::ledger::{self, Handle, Kind};
use crate::memory::HostMemory;
use crate::status::{Outcome, Status, nv};
use crate::wire;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

const DEVICE_TYPE_CUDA: u32 = 1;

static SESSIONS: Mutex<BTreeMap<Handle, Arc<Mutex<Session>>>> = Mutex::new(BTreeMap::new());

/// One encode session.
pub struct Session {
    pub handle: Handle,
    pub context: Handle,
    /// Set by nvEncInitializeEncoder.
    pub stream: Option<Stream>,
    pub inputs: BTreeMap<Handle, InputBuffer>,
    pub registered: BTreeMap<Handle, Registered>,
    /// Mapped resources, with the registration of each.
    pub mapped: BTreeMap<Handle, Handle>,
    pub outputs: BTreeMap<Handle, Output>,
    /// Pictures whose output is not locked yet, in the order they came.
    pub submitted: VecDeque<Submitted>,
    /// Packets not collected yet, in decode order.
    pub ready: VecDeque<Packet>,
    /// Whether the last thing sent was the end of the stream.
    pub ended: bool,
}

/// An initialised encoder.
pub struct Stream {
    pub parameters: Parameters,
    pub encoder: Encoder,
    /// Pictures that look-ahead holds: the pictures taken in, not yet given to the encoder.
    pub look_ahead: VecDeque<Pending>,
    /// How many of them before the first goes on.
    pub hold: usize,
    pub headers: Headers,
    /// Whether headers were written once.
    pub headers_written: bool,
    /// Whether the next picture must be an IDR picture, after a reconfiguration.
    pub force_idr: bool,
}

/// When parameter sets go into the stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Headers {
    Never,
    Once,
    EachIdr,
}

/// A picture that is not encoded yet.
pub struct Pending {
    pub input: Handle,
    pub timestamp: u64,
    pub force: Force,
}

/// A picture whose output is not locked yet.
pub struct Submitted {
    pub input: Handle,
    pub output: Handle,
    /// Of device memory, when the picture was sent.
    pub fingerprint: Option<u64>,
}

/// An input buffer in system memory.
pub struct InputBuffer {
    pub shape: Shape,
    pub memory: HostMemory,
    pub locked: bool,
}

/// Device memory registered as input.
pub struct Registered {
    pub pointer: u64,
    /// The allocation that it lies in.
    pub allocation: u64,
    pub shape: Shape,
    /// Whether it is mapped now.
    pub mapped: bool,
}

/// The state of a bitstream buffer.
pub enum Output {
    Free,
    Pending,
    /// The program reads these bytes.
    Locked {
        _data: Vec<u8>,
    },
}

fn table() -> std::sync::MutexGuard<'static, BTreeMap<Handle, Arc<Mutex<Session>>>> {
    SESSIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `body` on a session whose context is alive.
pub fn with<T>(handle: Handle, by: &str, body: impl FnOnce(&mut Session) -> Outcome<T>) -> Outcome<T> {
    let Some(session) = table().get(&handle).cloned() else {
        ledger::lock().check(handle, Kind::EncodeSession, by);
        return Err(nv::INVALID_PTR);
    };
    let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
    let context = session.context;
    let mut state = ledger::lock();
    if !state.is_live(context, Kind::Context) {
        state.violation(format!("{by}: the context {context:#x} of session {handle:#x} is destroyed"));
        return Err(nv::INVALID_DEVICE);
    }
    drop(state);
    body(&mut session)
}

/// Like [`with`], for calls that work on the device: the session's context must be current.
pub fn with_current<T>(handle: Handle, by: &str, body: impl FnOnce(&mut Session) -> Outcome<T>) -> Outcome<T> {
    with(handle, by, |session| {
        let current = context::current();
        if current != session.context {
            let wanted = session.context;
            ledger::lock().violation(format!("{by}: context {current:#x} is current, the session's is {wanted:#x}"));
        }
        body(session)
    })
}

impl Session {
    fn new(handle: Handle, context: Handle) -> Session {
        Session {
            handle,
            context,
            stream: None,
            inputs: BTreeMap::new(),
            registered: BTreeMap::new(),
            mapped: BTreeMap::new(),
            outputs: BTreeMap::new(),
            submitted: VecDeque::new(),
            ready: VecDeque::new(),
            ended: false,
        }
    }

    /// Reports a violation.
    pub fn violation(&self, what: String) {
        ledger::lock().violation(what);
    }

    /// The initialised encoder.
    pub fn stream(&mut self) -> Outcome<&mut Stream> {
        self.stream.as_mut().ok_or(nv::ENCODER_NOT_INITIALIZED)
    }

    /// Whether a picture that the encoder may still read has this input.
    pub fn in_flight(&self, input: Handle) -> bool {
        // After the end of the stream the encoder is done with all inputs: programs unmap them then, and destroy the session.
        !self.ended && self.submitted.iter().any(|submitted| submitted.input == input)
    }

    /// Changes what the ledger says of the session.
    pub fn record(&self, change: impl FnOnce(&mut wire::Session)) {
        if let Some(record) = ledger::lock().sessions.get_mut(&self.handle) {
            change(record);
        }
    }

    /// A new object of the session.
    pub fn create(&self, kind: Kind) -> Handle {
        ledger::lock().create(kind, self.context, self.handle)
    }
}

/// Whether the interface version that a program was built for is offered.
fn version_offered(api_version: u32, offered: (u32, u32)) -> bool {
    (api_version & 0xff, api_version >> 24 & 0xf) <= offered
}

api! { table;
    /// The oldest entry point; programs use the next.
    fn nvEncOpenEncodeSession(device: Handle, device_type: u32, encoder: Out<Handle>) {
        Err(nv::UNIMPLEMENTED)
    }

    fn nvEncOpenEncodeSessionEx(parameters: Out<OpenSession>, encoder: Out<Handle>) {
        let parameters = layout::structure(parameters)?;
        if encoder.is_null() {
            return Err(nv::INVALID_PTR);
        }
        let mut state = ledger::lock();
        if !version_offered(parameters.api_version, state.config.nvenc_version) {
            return Err(nv::INVALID_VERSION);
        }
        if parameters.device_type != DEVICE_TYPE_CUDA || !state.config.nvenc_engine {
            return Err(nv::UNSUPPORTED_DEVICE);
        }
        if !state.check(parameters.device, Kind::Context, "nvEncOpenEncodeSessionEx") {
            return Err(nv::INVALID_DEVICE);
        }
        if state.count(Kind::EncodeSession) >= state.config.max_sessions as usize {
            return Err(Status(state.config.session_limit_status));
        }
        let handle = state.create(Kind::EncodeSession, parameters.device, 0);
        state.sessions.insert(handle, wire::Session { open: true, ..Default::default() });
        drop(state);
        table().insert(handle, Arc::new(Mutex::new(Session::new(handle, parameters.device))));
        encoder.set(handle)
    }

    fn nvEncDestroyEncoder(encoder: Handle) {
        let by = "nvEncDestroyEncoder";
        let Some(session) = table().remove(&encoder) else {
            ledger::lock().check(encoder, Kind::EncodeSession, by);
            return Err(nv::INVALID_PTR);
        };
        let session = session.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = ledger::lock();
        if !state.is_live(session.context, Kind::Context) {
            let context = session.context;
            state.violation(format!("{by}: session {encoder:#x} outlived its context {context:#x}"));
        }
        let left = state.children(encoder);
        if !left.is_empty() {
            let (count, list) = (left.len(), left.join(" "));
            state.violation(format!("{by}: {count} resources left in session {encoder:#x}: {list}"));
        }
        let (pictures, packets) = state.sessions.get(&encoder).map_or((0, 0), |it| (it.pictures_in, it.packets_out));
        if packets < pictures {
            let lost = pictures - packets;
            state.violation(format!("{by}: {lost} of {pictures} pictures of session {encoder:#x} never collected"));
        }
        for (handle, registered) in &session.registered {
            state.unpin(registered.allocation, *handle);
        }
        state.end_session(encoder);
        Ok(())
    }
}
