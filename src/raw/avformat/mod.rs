//! libavformat: inputs, outputs, and what they read from and write to.

pub(crate) mod avio;
pub(crate) mod in_use;
pub(crate) mod input;
pub(crate) mod interrupt_callback;
pub(crate) mod output;
pub(crate) mod seek;
pub(crate) mod stream;
pub(crate) mod url;
