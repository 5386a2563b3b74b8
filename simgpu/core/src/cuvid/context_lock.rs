//! Context locks: a mutex around a floating context, current while held.
use crate::context;
use crate::ledger::{self, Handle, Kind};
use crate::status::{Outcome, cu};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

struct ContextLock {
    context: Handle,
    /// Who holds it, and how many times.
    holder: Mutex<Option<(ThreadId, u32)>>,
    freed: Condvar,
}

static LOCKS: Mutex<BTreeMap<Handle, Arc<ContextLock>>> = Mutex::new(BTreeMap::new());

fn table() -> MutexGuard<'static, BTreeMap<Handle, Arc<ContextLock>>> {
    LOCKS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ContextLock {
    fn holder(&self) -> MutexGuard<'_, Option<(ThreadId, u32)>> {
        self.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find(handle: Handle, by: &str) -> Outcome<Arc<ContextLock>> {
    let found = table().get(&handle).cloned();
    found.ok_or_else(|| {
        ledger::lock().check(handle, Kind::ContextLock, by);
        cu::INVALID_HANDLE
    })
}

/// `cuvidCtxLockCreate`
pub fn create(context: Handle) -> Outcome<Handle> {
    let mut state = ledger::lock();
    if !state.check(context, Kind::Context, "cuvidCtxLockCreate") {
        return Err(cu::INVALID_CONTEXT);
    }
    let handle = state.create(Kind::ContextLock, context, 0);
    drop(state);
    let lock = ContextLock { context, holder: Mutex::new(None), freed: Condvar::new() };
    table().insert(handle, Arc::new(lock));
    Ok(handle)
}

/// `cuvidCtxLockDestroy`
pub fn destroy(handle: Handle) -> Outcome {
    let name = "cuvidCtxLockDestroy";
    let lock = find(handle, name)?;
    if lock.holder().is_some() {
        ledger::lock().violation(format!("{name}: the lock is held"));
        return Err(cu::INVALID_VALUE);
    }
    table().remove(&handle);
    ledger::lock().destroy(handle, Kind::ContextLock, name);
    Ok(())
}

/// `cuvidCtxLock`
pub fn acquire(handle: Handle) -> Outcome {
    let lock = find(handle, "cuvidCtxLock")?;
    let me = thread::current().id();
    let mut holder = lock.holder();
    while holder.is_some_and(|(thread, _)| thread != me) {
        holder = lock.freed.wait(holder).unwrap_or_else(PoisonError::into_inner);
    }
    *holder = Some((me, holder.map_or(0, |(_, times)| times) + 1));
    drop(holder);
    context::push(lock.context);
    Ok(())
}

/// `cuvidCtxUnlock`
pub fn release(handle: Handle) -> Outcome {
    let name = "cuvidCtxUnlock";
    let lock = find(handle, name)?;
    let me = thread::current().id();
    let mut holder = lock.holder();
    match *holder {
        Some((thread, times)) if thread == me => *holder = (times > 1).then(|| (me, times - 1)),
        _ => {
            drop(holder);
            ledger::lock().violation(format!("{name}: the lock is not held by this thread"));
            return Err(cu::INVALID_VALUE);
        }
    }
    drop(holder);
    lock.freed.notify_one();
    context::pop();
    Ok(())
}
