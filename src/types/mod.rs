//! Plain values, which know nothing of FFmpeg's objects: they lie below `raw`.

pub(crate) mod color;
#[cfg(target_os = "linux")]
pub(crate) mod dma_buf;
pub(crate) mod facts;
pub(crate) mod interrupt;
pub(crate) mod mapping;
pub(crate) mod pixel;
pub(crate) mod seek;
pub(crate) mod setting;
pub(crate) mod time;
pub(crate) mod track_report;
