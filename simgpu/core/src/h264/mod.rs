//! A lossless H.264 encoder: every macroblock is I_PCM, so a picture decodes to exactly the bytes that went in.
//!
//! What a program can see of an encoder is real all the same: IDR, I, P and B pictures with their slice types, reference
//! counting, decode order different from display order, cropping, and the video usability information.

mod bits;
mod encoder;
mod headers;
mod level;
mod picture;

pub use encoder::{Encoder, Force, Packet, PictureKind};
pub use headers::{Parameters, Profile, SignalType, parameter_sets};
pub use picture::Picture;
