//! Ctrl-C, and the polite ways of ending a process: the children go first, then the command ends by its normal way out, so that
//! temporary folders are removed.

use crate::child;
use std::process::exit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

static CAME: AtomicBool = AtomicBool::new(false);
/// Each child that runs now is the leader of a process group of its own.
static CHILDREN: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// From now on Ctrl-C (and SIGTERM, SIGHUP) kills the children; a second one ends this process at once.
pub fn watch() {
    let watching = ctrlc::set_handler(|| {
        if CAME.swap(true, Ordering::SeqCst) {
            exit(130);
        }
        children(|list| list.iter().for_each(|&pid| child::kill_group(pid)));
    });
    if let Err(error) = watching {
        eprintln!("note: Ctrl-C will not clean up: {error}");
    }
}

/// Whether Ctrl-C came.
pub fn came() -> bool {
    CAME.load(Ordering::SeqCst)
}

/// A child that Ctrl-C kills, until this is dropped.
pub struct Registered(u32);

impl Registered {
    /// Registers a child that leads its own process group, and kills it at once if Ctrl-C came before.
    pub fn new(pid: u32) -> Self {
        children(|list| list.push(pid));
        if came() {
            child::kill_group(pid);
        }
        Self(pid)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        children(|list| list.retain(|&pid| pid != self.0));
    }
}

fn children(with: impl FnOnce(&mut Vec<u32>)) {
    with(&mut CHILDREN.lock().unwrap_or_else(PoisonError::into_inner));
}
