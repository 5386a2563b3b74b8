//! FFmpeg's hardware codecs with their life cycle in the types.
//!
//! ```text
//!            Packet              Frame<'d, M>             Packet
//! Demuxer ───────────> Decoder ───────────────> Encoder ───────────> Muxer
//!                        └── FramePool<'d, M> on Device<M> ──┘
//! ```
//!
//! Decoders and encoders share one life: `Configured -> Opened -> Flushing -> Closed`. The state is the last type parameter and
//! defaults to `Opened`, so `Encoder<'_, Cuda>` is an open one. Options are set before `open` only, nothing is sent after
//! `flush`, `free` is reachable after the close only, and no codec, pool or frame outlives its device.
//!
//! | | Configured | Opened | Flushing | Closed |
//! |---|---|---|---|---|
//! | what it is | plain data | an open AVCodecContext | end of stream sent | hardware released |
//! | what only it can do | every setting, `open` | `send`, `receive`, live settings, `flush` | `receive` to the end, `finish`, `abandon` | `report`, `free` |
//!
//! Two words: our Flushing *drains* (what is inside comes out); FFmpeg's avcodec_flush_buffers *discards*, and is called
//! `reset` here.
//!
//! The device is lent or shared: what is built on `&device` cannot outlive it, which the compiler proves; what is built on
//! `&Arc<Device>` is `'static` and counted, for structs, threads and async.
//!
//! A transcode in which no frame leaves the GPU:
//!
//! ```no_run
//! use avsluice::{Decoder, Demuxer, Device, Encoder, Limit, Muxer, Result, nvenc};
//!
//! fn main() -> Result<()> {
//!     let device = Device::cuda(0)?;
//!     let mut input = Demuxer::open("in.mp4")?;
//!     let video = input.video()?;
//!     let mut frames = Decoder::new(&device, &video).open()?.frames(input.packets(&video));
//!
//!     let options = nvenc::H264::new().preset(nvenc::Preset::P5);
//!     let mut encoder = Encoder::new(&frames.pool()?, video.time_base(), options).bit_rate(6_000_000).open()?;
//!     let mut output = Muxer::create("out.mp4")?;
//!     let track = output.add(&encoder)?;
//!     let mut output = output.open()?;
//!
//!     for frame in &mut frames {
//!         for packet in encoder.send(frame?)? {
//!             output.write(track, packet?)?;
//!         }
//!     }
//!     let encoder = encoder.flush()?.finish(Limit::default(), |packet| output.write(track, packet))?;
//!     output.finish()?;
//!     println!("encoder: {}\ndecoder: {}", encoder.free(), frames.close().free());
//!     device.close()?; // does not compile while anything built on it lives
//!     Ok(())
//! }
//! ```
//!
//! The floors, from the ground: `ffi` (bindgen's output), `types` (plain values), `error`, `raw` (owners with safe
//! methods), and the public modules. `unsafe` code is in `ffi` and `raw` alone. FFmpeg's log goes to the `log` facade,
//! see [`log`].

#[forbid(unsafe_code)]
mod codec;
#[forbid(unsafe_code)]
mod device;
#[forbid(unsafe_code)]
mod error;
mod ffi;
#[forbid(unsafe_code)]
mod frame;
#[forbid(unsafe_code)]
mod mapped;
#[forbid(unsafe_code)]
mod memory;
#[forbid(unsafe_code)]
mod options;
#[forbid(unsafe_code)]
mod packet;
#[forbid(unsafe_code)]
mod pool;
mod raw;
#[forbid(unsafe_code)]
mod types;
/// In `raw`'s folder, with all other code that has the word `unsafe`; above `raw`, for it is the public side.
#[path = "raw/unsafe_api.rs"]
mod unsafe_api;

#[forbid(unsafe_code)]
pub mod bitstream;
#[forbid(unsafe_code)]
pub mod cuda;
#[forbid(unsafe_code)]
pub mod decode;
#[forbid(unsafe_code)]
pub mod demux;
#[cfg(target_os = "linux")]
#[forbid(unsafe_code)]
pub mod drm;
#[forbid(unsafe_code)]
pub mod encode;
#[forbid(unsafe_code)]
pub mod log;
#[forbid(unsafe_code)]
pub mod mux;
#[forbid(unsafe_code)]
pub mod transfer;
#[forbid(unsafe_code)]
pub mod vaapi;

pub use bitstream::{BitstreamFilter, Parser};
pub use codec::teardown::{self, Limit, Outcome, Settle, Teardown, TeardownReport};
pub use decode::{Decoded, Decoder, OrSystem};
pub use demux::{Demuxer, Stream, StreamKind};
pub use device::{AsDevice, Device};
pub use encode::{Encoder, Named};
pub use error::{Error, ErrorKind, Failed, Result};
pub use frame::{Frame, HostRows, HostRowsMut, Plane};
pub use mapped::{Mapped, MappedRows};
pub use memory::{Any, AnyFrame, Concrete, Cuda, DeviceMemory, Memory, System, Vaapi};
pub use mux::{MuxReport, Muxer, Track};
pub use options::{mpeg4, nvenc, x264};
pub use packet::Packet;
pub use pool::FramePool;
pub use raw::version::libavcodec_version;
pub use types::{
    color::{Color, ColorRange},
    interrupt::Interrupt,
    mapping::Mapping,
    pixel::{FieldOrder, Format, PixelFormat, RawPixelFormat},
    time::TimeBase,
};

/// The README's program.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The program of docs/threads.md.
#[cfg(doctest)]
#[doc = include_str!("../docs/threads.md")]
struct Threads;
