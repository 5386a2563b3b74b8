//! Defects on purpose: what the tests of `cargo xtask attack` must find.

use crate::world::World;
use std::fs::File;
use std::sync::{Condvar, Mutex};

/// Aborts, in one program of three.
pub fn crash(world: &mut World) {
    if world.rng.one_in(3) {
        world.note("about to abort");
        std::process::abort();
    }
}

/// Leaks memory, in one program of three.
pub fn leak(world: &mut World) {
    if world.rng.one_in(3) {
        world.note("about to leak");
        for _ in 0..8 {
            std::mem::forget(std::hint::black_box(vec![1_u8; 1000]));
        }
    }
}

/// Leaves a file open.
pub fn descriptor(world: &mut World) {
    std::mem::forget(File::create(world.folder.join("open")));
}

/// Waits for ever.
pub fn hang(_: &mut World) {
    let lock = Mutex::new(());
    let never = Condvar::new();
    let mut guard = lock.lock().expect("nobody panics here");
    loop {
        guard = never.wait(guard).expect("nobody panics here");
    }
}

/// Works for ever.
pub fn spin(world: &mut World) {
    while std::hint::black_box(world.rng.below(10)) < 10 {}
}

/// A panic that nobody planned.
pub fn panic(_: &mut World) {
    panic!("out of nowhere");
}

/// What comes out depends on what fresh memory holds: the bytes that a decoder leaves unwritten stand for it.
pub fn fresh(world: &mut World) {
    let options = std::env::var("ASAN_OPTIONS").unwrap_or_default();
    world.came_out(options.split("malloc_fill_byte=").nth(1).unwrap_or_default().as_bytes());
}

/// What comes out depends on where things lie.
pub fn noise(world: &mut World) {
    let place = std::ptr::from_ref(world).addr();
    world.came_out(&(place ^ usize::try_from(std::process::id()).unwrap_or(0)).to_le_bytes());
}
