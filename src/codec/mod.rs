//! The life that encoders, decoders and (later) filters share once they are open.
//!
//! `core` has what each of them consists of, `ready` what a call gives, `drain` the end of a stream, `states` the two
//! states behind it, and `teardown` how it is closed and what is said of it.

mod core;
mod drain;
mod ready;
mod states;
pub mod teardown;

pub(crate) use self::core::Core;
pub(crate) use drain::{Codec, Drain};
pub use ready::Ready;
pub(crate) use ready::Receive;
pub(crate) use states::states_behind_the_end;
