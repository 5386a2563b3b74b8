//! libavutil: buffers, frames, devices and their pools, options.

pub(crate) mod buffer;
pub(crate) mod dictionary;
pub(crate) mod frame;
pub(crate) mod hwdevice;
pub(crate) mod hwframes;
pub(crate) mod map;
pub(crate) mod options;
pub(crate) mod picture;
pub(crate) mod rows;
