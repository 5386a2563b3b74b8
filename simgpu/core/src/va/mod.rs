//! The VA-API driver: what libva finds under the name `sim_drv_video.so`, SIMULATED on the CPU.
//!
//! | module | what it is |
//! |---|---|
//! | [`table`] | the one exported function, by which libva gets the others |
//! | [`display`] | displays, and tables of what is alive in each |
//! | [`config`] [`surface`] [`image`] [`buffer`] [`picture`] | the functions, by what they are about |
//! | [`encode`] [`decode`] | what vaEndPicture does |
//! | [`pixels`] | memory of surfaces and images |
//! | [`layout`] [`layout_h264`] [`plain`] | the interface's structs |
//! | [`absent`] | what is refused, and must be there |
//!
//! Everything is done before the call that asks for it returns. What a program must wait for all the same is remembered: a surface
//! that it changes before it has waited for the encoder is a mistake here, and a broken picture on a GPU.

mod absent;
mod buffer;
mod config;
mod decode;
mod display;
mod encode;
mod image;
mod layout;
mod layout_h264;
mod picture;
mod pixels;
mod plain;
mod surface;
mod table;

use crate::ledger;
use crate::report;
use crate::status::{Outcome, Status};

/// Fails, and says why in the call log.
fn refuse<T>(function: &str, why: &str, status: Status) -> Outcome<T> {
    report::log_call(|line| line.push_str(&format!("REFUSED {function}: {why}")));
    Err(status)
}

fn violation(what: String) {
    ledger::lock().violation(what);
}
