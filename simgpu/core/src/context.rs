//! The stack of current CUDA contexts of each thread.
//!
//! A driver function that needs a context begins with `let context = context::require()?;`.

use crate::ledger::{self, Handle, Kind};
use crate::status::{Outcome, cu};
use std::cell::RefCell;

thread_local! {
    static STACK: RefCell<Vec<Handle>> = const { RefCell::new(Vec::new()) };
}

/// The context on top of this thread's stack, alive or not; 0 when there is none.
pub fn current() -> Handle {
    STACK.with_borrow(|stack| stack.last().copied().unwrap_or(0))
}

/// The current context, which must be alive.
pub fn require() -> Outcome<Handle> {
    let context = current();
    if context == 0 {
        return Err(cu::INVALID_CONTEXT);
    }
    let mut state = ledger::lock();
    if !state.is_live(context, Kind::Context) {
        state.violation(format!("call with the destroyed context {context:#x} current"));
        return Err(cu::CONTEXT_IS_DESTROYED);
    }
    Ok(context)
}

/// Makes `context` current.
pub fn push(context: Handle) {
    STACK.with_borrow_mut(|stack| stack.push(context));
}

/// Takes the current context off the stack.
pub fn pop() -> Option<Handle> {
    STACK.with_borrow_mut(Vec::pop)
}

/// Replaces the current context, as cuCtxSetCurrent does; 0 removes it.
pub fn replace(context: Handle) {
    pop();
    if context != 0 {
        push(context);
    }
}
