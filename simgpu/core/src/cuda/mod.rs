//! libcuda: devices, contexts, memory, copies, streams and events. Work is done at once, in the calling thread.

mod context;
mod copy;
mod device;
mod error;
mod layout;
mod memory;
mod module;
mod stream;

use crate::ledger::Handle;
use std::collections::BTreeMap;

/// What the global state keeps for CUDA.
#[derive(Default)]
pub struct CudaState {
    /// Whether cuInit succeeded.
    pub initialized: bool,
    /// The device of each live context.
    pub devices: BTreeMap<Handle, i32>,
    /// Primary contexts, by device.
    pub primary: BTreeMap<i32, Primary>,
}

/// A device's primary context.
#[derive(Default, Clone, Copy)]
pub struct Primary {
    /// The context while it is retained, else 0.
    pub context: Handle,
    /// Its flags, which outlive it.
    pub flags: u32,
    /// How often it is retained.
    pub retained: u32,
}
