//! The NVIDIA driver libraries and a VA-API driver, SIMULATED on the CPU.
//!
//! | module | what it is |
//! |---|---|
//! | `api` | the `api!` macro around every driver function: count, inject a fault, run, catch a panic, log |
//! | `ledger` | the one global state: live objects, violations, bytes, calls, sessions, faults |
//! | `memory` | device memory whose addresses fault when the host dereferences them |
//! | `context` | the stack of current CUDA contexts of each thread |
//! | `report` | the C functions by which the client crate `simgpu` reads and steers all this |
//! | `cuda` `nvenc` `cuvid` | the functions of libcuda, libnvidia-encode and libnvcuvid |
//! | `va` | the functions of a VA-API driver |
//! | `decode` | the decoder behind `cuvid` and `va` |
//! | `h264` | the lossless encoder behind `nvenc` and `va` |
//!
//! Locks are taken in one direction: a module's own table, then one session or decoder, then `ledger::lock`, which is a
//! leaf: nothing is called while it is held.
#![cfg(target_os = "linux")]

#[macro_use]
mod api;
mod context;
mod cuda;
mod cuvid;
mod decode;
mod h264;
mod ledger;
mod memory;
mod nvenc;
mod report;
mod status;
mod va;
#[path = "../../src/wire.rs"]
mod wire;
