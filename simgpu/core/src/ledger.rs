//! The one global state of the simulated driver: what is alive, what was done wrong, what was copied and called.
//!
//! ```text
//! let mut state = ledger::lock();                                   // a leaf lock: call nothing that locks while it is held
//! let decoder = state.create(Kind::Decoder, context, 0);            // a handle no program can dereference
//! if !state.is_live(decoder, Kind::Decoder) { .. }
//! state.destroy(decoder, Kind::Decoder, "cuvidDestroyDecoder")?;    // reports a double destroy or a wrong handle itself
//! state.violation(format!("cuvidDestroyDecoder: {n} frames still mapped"));
//! let frame = state.allocate(size, context, Kind::MappedFrame, decoder)?;   // device memory, see `memory`
//! let span = state.resolve(frame, size, "cuvidMapVideoFrame")?;     // checked access; drop the lock, then copy
//! state.release(frame);
//! state.bytes.device_to_device += copied;
//! state.decoders.insert(decoder, wire::Decoder { .. });             // what the ledger says of it, open or closed
//! ```
//!
//! A violation is what a correct program never does. What a healthy driver merely refuses is an error status and no more.

use crate::cuda::CudaState;
use crate::memory::{DeviceMemory, DevicePtr, Found, Span};
use crate::report;
use crate::status::{Outcome, Status, cu};
use crate::wire::{Bytes, Calls, Config, Decoder, Fault, Ledger, Session};
use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// An object's handle. It carries a mark and its kind, and is no canonical address: a dereference faults.
pub type Handle = usize;

const MARK: usize = 0x6e << 56;
const MOST_VIOLATIONS: usize = 1000;

macro_rules! kinds {
    ($($(#[$meta:meta])* $kind:ident $name:literal)*) => {
        /// What an object is.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Kind { $($(#[$meta])* $kind),* }

        impl Kind {
            /// Its name in [`Ledger::live`].
            pub fn name(self) -> &'static str {
                match self { $(Kind::$kind => $name),* }
            }

            /// The handle of the object of this kind that was made as the `serial`th.
            pub fn handle(self, serial: usize) -> Handle {
                MARK | (self as usize) << 48 | serial
            }
        }
    };
}
kinds! {
    Context "context"
    Stream "stream"
    Event "event"
    /// Memory that the program allocated.
    DeviceMemory "device_memory"
    EncodeSession "encode_session"
    InputBuffer "input_buffer"
    BitstreamBuffer "bitstream_buffer"
    RegisteredResource "registered_resource"
    MappedResource "mapped_resource"
    Decoder "decoder"
    Parser "parser"
    /// Device memory that a decoder lends to the program.
    MappedFrame "mapped_frame"
    ContextLock "context_lock"
    /// An initialised VADisplay.
    VaDisplay "va_display"
    VaConfig "va_config"
    VaContext "va_context"
    VaSurface "va_surface"
    VaBuffer "va_buffer"
    VaImage "va_image"
}

/// A live object.
pub struct Object {
    /// What it is.
    pub kind: Kind,
    /// The context it lives in; a context's own handle for a context.
    pub context: Handle,
    /// The session or decoder it belongs to, or 0.
    pub parent: Handle,
}

struct ArmedFault {
    fault: Fault,
    calls: u64,
}

/// Everything the driver knows. There is one, behind [`lock`].
#[derive(Default)]
pub struct State {
    /// The simulated machine.
    pub config: Config,
    /// Device memory. Prefer [`State::allocate`], [`State::resolve`] and [`State::release`].
    pub memory: DeviceMemory,
    /// What CUDA keeps beside its objects.
    pub cuda: CudaState,
    /// Byte counters.
    pub bytes: Bytes,
    /// Encode sessions by handle, open and closed.
    pub sessions: BTreeMap<Handle, Session>,
    /// Decoders by handle, open and closed.
    pub decoders: BTreeMap<Handle, Decoder>,
    objects: BTreeMap<Handle, Object>,
    violations: Vec<String>,
    calls: BTreeMap<&'static str, Calls>,
    faults: Vec<ArmedFault>,
    serial: usize,
}

static STATE: LazyLock<Mutex<State>> = LazyLock::new(|| {
    let mut state = State::default();
    report::configure_from_environment(&mut state);
    Mutex::new(state)
});

/// The driver's state. Nothing that locks may be called while the guard lives.
pub fn lock() -> MutexGuard<'static, State> {
    // A panic while the lock was held is reported as a violation by `api::call`; the counters stay readable.
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// Counts a call; the status to answer instead of running it, if a fault is due.
    pub fn enter(&mut self, function: &'static str) -> Option<Status> {
        self.calls.entry(function).or_default().total += 1;
        let mut due = None;
        for armed in self.faults.iter_mut().filter(|armed| armed.fault.concerns(function)) {
            armed.calls += 1;
            let hit = armed.calls == armed.fault.nth || (armed.fault.sticky && armed.calls > armed.fault.nth);
            if hit && due.is_none() {
                due = Some(Status(armed.fault.status));
            }
        }
        due
    }

    /// Counts a call's result.
    pub fn leave(&mut self, function: &'static str, status: Status) {
        if status.is_failure(function) {
            self.calls.entry(function).or_default().failed += 1;
        }
    }

    /// Records what a correct program does not do.
    pub fn violation(&mut self, what: String) {
        report::log_violation(&what);
        match self.violations.len() {
            0..MOST_VIOLATIONS => self.violations.push(what),
            MOST_VIOLATIONS => self.violations.push("... and more".into()),
            _ => {}
        }
        report::write_report(self);
    }

    /// A new object, alive until [`State::destroy`]. For a context or a display, `context` is ignored: it is its own.
    pub fn create(&mut self, kind: Kind, context: Handle, parent: Handle) -> Handle {
        self.serial += 1;
        let handle = kind.handle(self.serial);
        let context = if matches!(kind, Kind::Context | Kind::VaDisplay) { handle } else { context };
        self.objects.insert(handle, Object { kind, context, parent });
        handle
    }

    /// A live object.
    pub fn object(&self, handle: Handle) -> Option<&Object> {
        self.objects.get(&handle)
    }

    /// Whether `handle` is a live object of this kind.
    pub fn is_live(&self, handle: Handle, kind: Kind) -> bool {
        self.object(handle).is_some_and(|object| object.kind == kind)
    }

    /// How many objects of a kind are alive.
    pub fn count(&self, kind: Kind) -> usize {
        self.objects.values().filter(|object| object.kind == kind).count()
    }

    /// Checks that `handle` is a live object of this kind, and reports what it is otherwise.
    pub fn check(&mut self, handle: Handle, kind: Kind, by: &str) -> bool {
        if self.is_live(handle, kind) {
            return true;
        }
        let name = kind.name();
        self.violation(match self.was_live(handle, kind) {
            true => format!("{by}: {name} {handle:#x} was destroyed before"),
            false => format!("{by}: {handle:#x} is no {name}"),
        });
        false
    }

    /// Whether this handle was ever given to an object of this kind.
    pub fn was_live(&self, handle: Handle, kind: Kind) -> bool {
        let mark = kind.handle(0);
        handle & !0xffff_ffff_ffff == mark && (1..=self.serial).contains(&(handle & 0xffff_ffff_ffff))
    }

    /// Ends an object's life. A handle that is not alive is reported and gives false.
    pub fn destroy(&mut self, handle: Handle, kind: Kind, by: &str) -> bool {
        let live = self.check(handle, kind, by);
        if live {
            self.objects.remove(&handle);
        }
        live
    }

    /// What lives in a context, the context aside: `kind:handle` each.
    pub fn dependants(&self, context: Handle) -> Vec<String> {
        let objects = self.objects.iter().filter(|(_, object)| object.context == context);
        let objects = objects.filter(|(_, object)| object.kind != Kind::Context);
        let memory = self.memory.iter().filter(|(_, allocation)| allocation.context == context);
        let objects = objects.map(|(handle, object)| format!("{}:{handle:#x}", object.kind.name()));
        objects
            .chain(memory.map(|(pointer, found)| format!("{}:{pointer:#x}+{}", found.kind.name(), found.size)))
            .collect()
    }

    /// What belongs to a session or decoder: `kind:handle` each.
    pub fn children(&self, parent: Handle) -> Vec<String> {
        let objects = self.objects.iter().filter(|(_, object)| object.parent == parent);
        let memory = self.memory.iter().filter(|(_, allocation)| allocation.owner == parent);
        let objects = objects.map(|(handle, object)| format!("{}:{handle:#x}", object.kind.name()));
        objects.chain(memory.map(|(pointer, found)| format!("{}:{pointer:#x}", found.kind.name()))).collect()
    }

    /// Ends with a context what is CUDA's own in it. Sessions and decoders stay: the program still holds their handles.
    pub fn end_context(&mut self, context: Handle) {
        let own = |kind| matches!(kind, Kind::Stream | Kind::Event);
        self.objects.retain(|_, object| object.context != context || !own(object.kind));
        let memory = self.memory.iter().filter(|(_, allocation)| allocation.context == context);
        for pointer in memory.map(|(pointer, _)| pointer).collect::<Vec<_>>() {
            self.release(pointer);
        }
    }

    /// Ends all that was left in a VA-API display: nothing can reach it any more.
    pub fn end_display(&mut self, display: Handle) {
        self.objects.retain(|_, object| object.context != display);
    }

    /// Ends a session with all that was left in it.
    pub fn end_session(&mut self, session: Handle) {
        self.objects.retain(|handle, object| *handle != session && object.parent != session);
        if let Some(record) = self.sessions.get_mut(&session) {
            record.open = false;
        }
    }

    /// Notes that `by` refers to an allocation, which must not be freed before.
    pub fn pin(&mut self, allocation: DevicePtr, by: Handle) {
        if let Some(found) = self.memory.at(allocation) {
            found.pins.push(by);
        }
    }

    /// Undoes [`State::pin`].
    pub fn unpin(&mut self, allocation: DevicePtr, by: Handle) {
        if let Some(found) = self.memory.at(allocation) {
            found.pins.retain(|pin| *pin != by);
        }
    }

    /// Allocates device memory; `owner` is the session or decoder that lends it out, or 0 for the program's own.
    pub fn allocate(&mut self, size: usize, context: Handle, kind: Kind, owner: Handle) -> Outcome<DevicePtr> {
        if size == 0 {
            return Err(cu::INVALID_VALUE);
        }
        if self.memory.used.saturating_add(size as u64) > self.config.device_memory {
            return Err(cu::OUT_OF_MEMORY);
        }
        self.memory.allocate(size, context, kind, owner).ok_or(cu::OUT_OF_MEMORY)
    }

    /// Frees device memory that starts at `pointer`; nothing happens when there is none.
    pub fn release(&mut self, pointer: DevicePtr) {
        self.memory.free(pointer);
    }

    /// The contents behind a device address; anything outside a live allocation is a violation.
    pub fn resolve(&mut self, pointer: DevicePtr, length: usize, by: &str) -> Outcome<Span> {
        self.memory.resolve(pointer, length).map_err(|wrong| {
            self.violation(format!("{by}: {wrong}"));
            cu::INVALID_VALUE
        })
    }

    /// Whether an address belongs to device memory, live or freed.
    pub fn is_device_address(&self, pointer: u64) -> bool {
        !matches!(self.memory.find(pointer), Found::Unknown)
    }

    /// Takes device memory that is not reached by a device address; [`State::give_back`] returns it.
    pub fn take(&mut self, bytes: u64) -> bool {
        let fits = self.memory.used.saturating_add(bytes) <= self.config.device_memory;
        if fits {
            self.memory.used += bytes;
            self.memory.peak = self.memory.peak.max(self.memory.used);
        }
        fits
    }

    /// Returns what [`State::take`] took.
    pub fn give_back(&mut self, bytes: u64) {
        self.memory.used -= bytes;
    }

    /// Arms a fault.
    pub fn fail(&mut self, fault: Fault) {
        self.faults.push(ArmedFault { fault, calls: 0 });
    }

    /// Disarms all faults.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// Forgets counts, violations and closed sessions, not what is alive.
    pub fn reset_counters(&mut self) {
        self.bytes = Bytes::default();
        self.calls.clear();
        self.violations.clear();
        self.sessions.retain(|_, session| session.open);
        self.decoders.retain(|_, decoder| decoder.open);
        self.memory.peak = self.memory.used;
    }

    /// A snapshot for the program.
    pub fn snapshot(&self) -> Ledger {
        let mut live: BTreeMap<String, u64> = BTreeMap::new();
        let kinds = self.objects.values().map(|object| object.kind);
        for kind in kinds.chain(self.memory.iter().map(|(_, allocation)| allocation.kind)) {
            *live.entry(kind.name().into()).or_default() += 1;
        }
        Ledger {
            live,
            bytes: self.bytes,
            device_bytes_live: self.memory.used,
            device_bytes_peak: self.memory.peak,
            violations: self.violations.clone(),
            calls: self.calls.iter().map(|(name, calls)| ((*name).into(), *calls)).collect(),
            sessions: self.sessions.values().cloned().collect(),
            decoders: self.decoders.values().cloned().collect(),
        }
    }
}
