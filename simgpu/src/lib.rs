//! SIMULATED GPU drivers for tests: FFmpeg's own NVENC and NVDEC code runs, unmodified, on a machine with no GPU.
//!
//! [`start`] opens three libraries that call themselves `libcuda.so.1`, `libnvidia-encode.so.1` and `libnvcuvid.so.1`.
//! Whoever opens a library of that name later in this process, as FFmpeg does, gets these: no `LD_LIBRARY_PATH` is needed, and
//! nothing is linked to this crate. Behind them is one driver that computes on the CPU and keeps a [`Ledger`]: what is alive, what
//! was copied and called, and what a correct program would not have done.
//!
//! ```
//! let gpu = simgpu::start()?;
//! // ... run code that encodes or decodes with the driver ...
//! let ledger = gpu.ledger();
//! assert!(ledger.is_empty(), "{ledger}");
//! assert_eq!(ledger.violations, [""; 0]);
//! assert_eq!(ledger.bytes.host_to_device, 0);
//! # Ok::<(), simgpu::StartError>(())
//! ```
//!
//! The ledger, faults and configuration are the process's: run tests that read them one to a process, or one at a time.
//!
//! # What is simulated
//! H.264 is encoded without loss (every macroblock is I_PCM), so that what comes out of a whole pipeline can be compared bit by
//! bit with what went in; I, P and B pictures, their order, forced IDR pictures and parameter sets are real. H.264 is decoded by
//! libavcodec. Other codecs are absent, as on a GPU without them, and so are CUDA kernels. All work is done at once in the calling
//! thread: nothing here says anything of a GPU's speed, nor of errors in ordering streams.
//!
//! # Environment
//! | variable | what it does |
//! |---|---|
//! | `SIMGPU_DIR` | where the libraries are, when they were moved from where cargo built them |
//! | `SIMGPU_LOG=path` | appends every driver call with its arguments; violations go to the standard error too |
//! | `SIMGPU_REPORT=path` | writes the ledger as JSON at exit and after each violation, so that one outlives a crash |
//! | `SIMGPU_CONFIG`, `SIMGPU_FAULTS` | a [`Config`] and a list of [`Fault`] in JSON |
//!
//! A program that cannot call this crate can be given the libraries by `LD_PRELOAD`: see [`libraries`].

mod driver;
mod start;
pub mod va;
mod wire;

pub use driver::Simgpu;
pub use start::{StartError, has_real_gpu, libraries, start, start_if_no_gpu};
pub use wire::{Bytes, Calls, Config, Decoder, Fault, Ledger, Session};
