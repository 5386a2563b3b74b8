//! FFmpeg's log. It goes to the `log` facade (target `avsluice::ffmpeg`) from the first call on, and the warnings and errors of a failing
//! call into its [`Error`](crate::Error).

pub use crate::raw::log::forward;
