//! Decoding of 8-bit 4:2:0 H.264, bit-exact, on the CPU: what the drivers' decoders share.
//!
//! | module | what it is |
//! |---|---|
//! | [`slice_decoder`] | decodes the slices of a picture: [`parameter_sets`] written anew, then [`inner`] |
//! | [`parameters`] | what a driver is told of a picture, in the words of none of them |
//! | [`inner`] | FFmpeg's software H.264 decoder behind a small C layer, `inner.c` |
//! | [`bits`] [`sps`] [`slices`] | H.264 syntax |

pub mod bits;
mod inner;
mod parameter_sets;
mod parameters;
mod slice_decoder;
pub mod slices;
pub mod sps;

pub use inner::{Displayed, Inner, NO_TIMESTAMP, Picture, Planes, Sent};
pub use parameters::{Parameters, RefCounts};
pub use slice_decoder::{Reason, Refused, SliceDecoder};
