//! The encoders' own options, typed: one module for each family.

mod h264;
pub mod mpeg4;
pub mod nvenc;
mod settings;
pub(crate) mod vaapi;
pub mod x264;
