//! The types that cross between the client crate and the driver, as JSON. This file is compiled into both.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What the SIMULATED driver has counted: a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ledger {
    /// Objects that are alive, by kind: `context`, `stream`, `event`, `device_memory`, `encode_session`, `input_buffer`,
    /// `bitstream_buffer`, `registered_resource`, `mapped_resource`, `decoder`, `parser`, `mapped_frame`, ...
    /// Kinds with none alive are absent.
    pub live: BTreeMap<String, u64>,
    /// Bytes copied since the start or the last reset, by direction.
    pub bytes: Bytes,
    /// Device memory allocated now.
    pub device_bytes_live: u64,
    /// The most device memory that was ever allocated at once.
    pub device_bytes_peak: u64,
    /// What a correct program does not do, one sentence each, in the order seen.
    pub violations: Vec<String>,
    /// Driver calls since the start or the last reset, by function.
    pub calls: BTreeMap<String, Calls>,
    /// Encode sessions, open and closed, in the order they were opened.
    pub sessions: Vec<Session>,
    /// Decoders, open and closed, in the order they were created.
    pub decoders: Vec<Decoder>,
}

/// Bytes of picture and bitstream that were copied. Padding between rows is not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Bytes {
    /// Host memory to device memory, by the copy functions.
    pub host_to_device: u64,
    /// Device memory to host memory, by the copy functions.
    pub device_to_host: u64,
    /// Within device memory, by the copy functions.
    pub device_to_device: u64,
    /// Within host memory, by the copy functions.
    pub host_to_host: u64,
    /// Pictures that the encoder took from input buffers in system memory.
    pub encoder_input: u64,
    /// Encoded bytes handed to the program.
    pub bitstream: u64,
}

/// How often a driver function was called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Calls {
    /// All calls.
    pub total: u64,
    /// Those that gave an error, injected or not. "Need more input" and "not ready" are no errors.
    pub failed: u64,
}

/// One encode session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Session {
    /// `h264`; empty until the encoder is initialised.
    pub codec: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Pictures that the encoder accepted.
    pub pictures_in: u64,
    /// Packets that the program collected.
    pub packets_out: u64,
    /// IDR pictures among the packets.
    pub idr: u64,
    /// Pictures for which the program forced an IDR.
    pub forced_idr: u64,
    /// End-of-stream notifications.
    pub end_of_stream: u64,
    /// Successful reconfigurations.
    pub reconfigured: u64,
    /// The average bit rate in force, in bit/s.
    pub bit_rate: u32,
    /// Whether the session is still open.
    pub open: bool,
}

/// One decoder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Decoder {
    /// `h264`.
    pub codec: String,
    /// Width of the output in pixels.
    pub width: u32,
    /// Height of the output in pixels.
    pub height: u32,
    /// Surfaces that the program asked for.
    pub surfaces: u32,
    /// Pictures decoded.
    pub pictures: u64,
    /// Frames mapped for the program.
    pub frames_mapped: u64,
    /// Whether the decoder still exists.
    pub open: bool,
}

/// A failure to provoke: the `nth` call of `function` from now on gives `status` and does nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The driver function's name, as the call log and [`Ledger::calls`] show it: `cuMemAlloc_v2`, `nvEncEncodePicture`,
    /// `vaEndPicture`. With a `*` at its end all functions that begin so, counted together: `va*`, `cu*`, `nvEnc*`, `*`.
    pub function: String,
    /// Which call fails: 1 is the next.
    pub nth: u64,
    /// The `CUresult`, `NVENCSTATUS` or `VAStatus` it fails with.
    pub status: u32,
    /// Whether all later calls fail too.
    #[serde(default)]
    pub sticky: bool,
}

/// What kind of machine is simulated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Number of GPUs.
    pub devices: u32,
    /// Memory of each GPU in bytes.
    pub device_memory: u64,
    /// Whether the GPU has an encoder. An H100 has none.
    pub nvenc_engine: bool,
    /// Encode sessions that may be open at once; the next is refused with `session_limit_status`.
    pub max_sessions: u32,
    /// 10 (`NV_ENC_ERR_OUT_OF_MEMORY`, older drivers) or 21 (`NV_ENC_ERR_INCOMPATIBLE_CLIENT_KEY`, newer ones).
    pub session_limit_status: u32,
    /// The newest NVENC interface that the driver speaks, as major and minor version.
    pub nvenc_version: (u32, u32),
    /// Pictures that the encoder takes in before it gives the first packet, as look-ahead does, beyond what B-frames need.
    pub hold: u32,
    /// `cuDriverGetVersion`'s answer: 1000 * major + 10 * minor.
    pub cuda_version: u32,
    /// Compute capability, major and minor.
    pub compute_capability: (u32, u32),
    /// Whether the GPU has a decoder.
    pub nvdec_engine: bool,
    /// The smallest picture that the encoder takes, width and height.
    pub encoder_min_size: (u32, u32),
}

impl Fault {
    /// Whether calls of this function count.
    pub fn concerns(&self, function: &str) -> bool {
        match self.function.strip_suffix('*') {
            Some(beginning) => function.starts_with(beginning),
            None => self.function == function,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            devices: 1,
            device_memory: 8 << 30,
            nvenc_engine: true,
            max_sessions: 8,
            session_limit_status: 10,
            nvenc_version: (13, 0),
            hold: 0,
            cuda_version: 13000,
            compute_capability: (8, 6),
            nvdec_engine: true,
            encoder_min_size: (145, 49),
        }
    }
}

impl Ledger {
    /// Whether nothing is alive in the driver.
    pub fn is_empty(&self) -> bool {
        self.live.is_empty() && self.device_bytes_live == 0
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "SIMULATED GPU ledger")?;
        if self.is_empty() {
            writeln!(f, "  live: nothing")?;
        }
        for (kind, count) in &self.live {
            writeln!(f, "  live: {count} {kind}")?;
        }
        writeln!(f, "  device memory: {} bytes live, {} at the peak", self.device_bytes_live, self.device_bytes_peak)?;
        let bytes = &self.bytes;
        writeln!(
            f,
            "  bytes: {} host->device, {} device->host, {} device->device, {} host->host, {} encoder input, {} bitstream",
            bytes.host_to_device,
            bytes.device_to_host,
            bytes.device_to_device,
            bytes.host_to_host,
            bytes.encoder_input,
            bytes.bitstream
        )?;
        for session in &self.sessions {
            writeln!(
                f,
                "  encode session {}x{} {}: {} pictures in, {} packets out, {}",
                session.width,
                session.height,
                session.codec,
                session.pictures_in,
                session.packets_out,
                if session.open { "open" } else { "closed" }
            )?;
        }
        for decoder in &self.decoders {
            writeln!(
                f,
                "  decoder {}x{} {}: {} pictures, {} frames mapped, {}",
                decoder.width,
                decoder.height,
                decoder.codec,
                decoder.pictures,
                decoder.frames_mapped,
                if decoder.open { "open" } else { "closed" }
            )?;
        }
        let failed: u64 = self.calls.values().map(|calls| calls.failed).sum();
        let total: u64 = self.calls.values().map(|calls| calls.total).sum();
        writeln!(f, "  calls: {total}, of which {failed} failed")?;
        for violation in &self.violations {
            writeln!(f, "  VIOLATION: {violation}")?;
        }
        write!(f, "  violations: {}", self.violations.len())
    }
}
