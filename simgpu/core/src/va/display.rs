//! Displays and what is alive in each. libva hands its own struct to every function; its `driver_data` is our display's handle.

use super::buffer::Buffer;
use super::config::Config;
use super::image::Image;
use super::layout::DriverContext;
use super::picture::Context;
use super::surface::Surface;
use crate::ledger::{self, Handle, Kind};
use crate::status::{Outcome, Status, va};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// `VADriverContextP`
pub type Driver = *mut DriverContext;

/// An initialised VADisplay. Libva allows calls from several threads; they wait for each other here.
pub struct Display {
    pub configs: Table<Config>,
    pub contexts: Table<Context>,
    pub surfaces: Table<Surface>,
    pub buffers: Table<Buffer>,
    pub images: Table<Image>,
}

type Displays = BTreeMap<Handle, Arc<Mutex<Display>>>;

static DISPLAYS: Mutex<Displays> = Mutex::new(BTreeMap::new());

fn displays() -> MutexGuard<'static, Displays> {
    DISPLAYS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A new display, for `driver_data`.
pub fn create() -> Handle {
    let handle = ledger::lock().create(Kind::VaDisplay, 0, 0);
    let display = Display {
        configs: Table::new(handle, Kind::VaConfig, va::INVALID_CONFIG),
        contexts: Table::new(handle, Kind::VaContext, va::INVALID_CONTEXT),
        surfaces: Table::new(handle, Kind::VaSurface, va::INVALID_SURFACE),
        buffers: Table::new(handle, Kind::VaBuffer, va::INVALID_BUFFER),
        images: Table::new(handle, Kind::VaImage, va::INVALID_IMAGE),
    };
    displays().insert(handle, Arc::new(Mutex::new(display)));
    handle
}

/// `vaTerminate`: whatever is left goes with the display, and is a mistake.
pub fn terminate(driver: Driver) -> Outcome {
    let handle = handle(driver);
    let removed = displays().remove(&handle);
    let mut state = ledger::lock();
    let live = state.destroy(handle, Kind::VaDisplay, "vaTerminate");
    let left = state.dependants(handle);
    if !left.is_empty() {
        state.violation(format!("vaTerminate: {} objects are left: {}", left.len(), left.join(" ")));
    }
    state.end_display(handle);
    // Surfaces give back their memory when they are dropped, which takes the ledger's lock.
    drop(state);
    drop(removed);
    if live { Ok(()) } else { Err(va::INVALID_DISPLAY) }
}

fn handle(driver: Driver) -> Handle {
    // SAFETY: libva passes the struct that it gave to our initialiser, which it keeps until vaTerminate has returned.
    unsafe { (*driver).driver_data }
}

/// Runs the body with the display.
pub fn with<T>(driver: Driver, by: &str, body: impl FnOnce(&mut Display) -> Outcome<T>) -> Outcome<T> {
    let handle = handle(driver);
    let display = displays().get(&handle).cloned();
    let Some(display) = display else {
        ledger::lock().check(handle, Kind::VaDisplay, by);
        return Err(va::INVALID_DISPLAY);
    };
    let mut display = display.lock().unwrap_or_else(PoisonError::into_inner);
    body(&mut display)
}

/// Bits of a VAGenericID that count; those above tell what it is of.
const SERIAL: u32 = (1 << 27) - 1;

/// The live objects of one kind, by their VAGenericID.
pub struct Table<T> {
    display: Handle,
    kind: Kind,
    unknown: Status,
    objects: BTreeMap<u32, T>,
}

impl<T> Table<T> {
    fn new(display: Handle, kind: Kind, unknown: Status) -> Self {
        Table { display, kind, unknown, objects: BTreeMap::new() }
    }

    /// Adds an object.
    pub fn insert(&mut self, object: T) -> u32 {
        let handle = ledger::lock().create(self.kind, self.display, 0);
        let id = (self.kind as u32) << 27 | (handle as u32 & SERIAL);
        self.objects.insert(id, object);
        id
    }

    /// Whether the id is one of a live object. Asking is no mistake.
    pub fn contains(&self, id: u32) -> bool {
        self.objects.contains_key(&id)
    }

    /// The ledger's handle of an object.
    pub fn handle(&self, id: u32) -> Handle {
        self.kind.handle((id & SERIAL) as usize)
    }

    /// A live object. Anything else is a mistake, and the kind's error.
    pub fn get(&mut self, id: u32, by: &str) -> Outcome<&mut T> {
        if !self.objects.contains_key(&id) {
            self.complain(id, by);
        }
        self.objects.get_mut(&id).ok_or(self.unknown)
    }

    /// Ends an object's life.
    pub fn remove(&mut self, id: u32, by: &str) -> Outcome<T> {
        match self.objects.remove(&id) {
            Some(object) => {
                ledger::lock().destroy(self.handle(id), self.kind, by);
                Ok(object)
            }
            None => {
                self.complain(id, by);
                Err(self.unknown)
            }
        }
    }

    /// All of them, with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.objects.iter().map(|(id, object)| (*id, object))
    }

    fn complain(&self, id: u32, by: &str) {
        let mut state = ledger::lock();
        if id >> 27 != self.kind as u32 {
            state.violation(format!("{by}: {id:#x} is no {}", self.kind.name()));
        } else if state.check(self.handle(id), self.kind, by) {
            state.violation(format!("{by}: {} {id:#x} is another display's", self.kind.name()));
        }
    }
}
