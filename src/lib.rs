//! avsluice
mod codec;
mod device;
mod error;
mod ffi;
mod frame;
mod memory;
mod packet;
mod pool;
mod raw;

pub mod cuda;
pub mod decode;
pub mod demux;
pub mod encode;
pub mod log;
pub mod mux;
pub mod nvenc;
pub mod teardown;
pub mod transfer;
pub mod x264;
pub mod mpeg4;

pub use decode::{Decoded, Decoder, OrSystem};
pub use demux::{Demuxer, Stream};
pub use device::{Device, Lend};
pub use encode::{Encoder, Named};
pub use error::{Error, ErrorKind, Failed, Result};
pub use frame::{AnyFrame, Color, ColorRange, Format, Frame, PixelFormat, Plane, RawPixelFormat};
pub use memory::{Any, Concrete, Cuda, DeviceMemory, Memory, System};
pub use mux::{Muxer, Track};
pub use packet::{Packet, TimeBase};
pub use pool::FramePool;
pub use teardown::{Limit, Outcome, Settle, Teardown, TeardownReport};
