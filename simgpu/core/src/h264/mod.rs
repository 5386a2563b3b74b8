//! A lossless H.264 encoder: every macroblock is I_PCM, so a picture decodes to exactly the bytes that went in.
//!
//! What a program can see of an encoder is real all the same: IDR, I, P and B pictures with their slice types, reference
//! counting, decode order different from display order, cropping, and the video usability information. NVENC decides all that
//! itself ([`Encoder`]); a VA-API program does, and only [`finish_slice`] is the driver's.

mod bits;
mod cabac;
mod encoder;
mod headers;
mod level;
mod macroblocks;
mod picture;

pub use bits::Bits;
pub use encoder::{Encoder, Force, Packet, PictureKind};
pub use headers::{Parameters, Profile, SignalType, parameter_sets};
pub use macroblocks::{Entropy, Kind as SliceKind, finish_slice};
pub use picture::Picture;
