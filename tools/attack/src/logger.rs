//! The process's logger. What it does is the running program's choice: nothing, panic, or call the library again.

use crate::world::{Bomb, Planned};
use avsluice::{Demuxer, Encoder, Format, FramePool, PixelFormat, System, TimeBase, mpeg4};
use log::{LevelFilter, Log, Metadata, Record};
use std::cell::Cell;
use std::io::Cursor;
use std::panic::panic_any;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// What the logger does with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Conduct {
    /// Reads it.
    Reads,
    /// Panics with a text.
    Panics,
    /// Panics with a value that is no text.
    PanicsWithValue,
    /// Panics with a value whose drop panics.
    PanicsWithBomb,
    /// Opens an encoder.
    OpensEncoder,
    /// Opens a file.
    OpensFile,
    /// Makes a pool and a frame.
    MakesFrames,
    /// Asks for a device.
    OpensDevice,
    /// Takes its time.
    Slow,
}

/// All of them.
pub const ALL: [Conduct; 9] = [
    Conduct::Reads,
    Conduct::Panics,
    Conduct::PanicsWithValue,
    Conduct::PanicsWithBomb,
    Conduct::OpensEncoder,
    Conduct::OpensFile,
    Conduct::MakesFrames,
    Conduct::OpensDevice,
    Conduct::Slow,
];

static CONDUCT: AtomicU32 = AtomicU32::new(0);
/// How many more lines are read before the conduct begins.
static PATIENCE: AtomicU64 = AtomicU64::new(0);

struct Logger;
static LOGGER: Logger = Logger;

/// Installs it, silent.
pub fn install() {
    log::set_logger(&LOGGER).expect("nobody else installs a logger");
    silence();
}

/// From now on nothing is logged.
pub fn silence() {
    log::set_max_level(LevelFilter::Off);
    CONDUCT.store(0, Ordering::SeqCst);
    PATIENCE.store(0, Ordering::SeqCst);
}

/// From now on lines of that level are treated so, after some were read.
pub fn behave(conduct: Conduct, level: LevelFilter, patience: u64) {
    CONDUCT.store(conduct as u32, Ordering::SeqCst);
    PATIENCE.store(patience, Ordering::SeqCst);
    log::set_max_level(level);
}

thread_local!(static INSIDE: Cell<bool> = const { Cell::new(false) });

/// Ends with the call, also when that panics.
struct Guard;
impl Drop for Guard {
    fn drop(&mut self) {
        INSIDE.set(false);
    }
}

impl Log for Logger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &Record<'_>) {
        // What the logger itself does is logged too.
        if INSIDE.replace(true) {
            return;
        }
        let _guard = Guard;
        let text = record.args().to_string();
        if PATIENCE.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return;
        }
        let conduct = ALL[CONDUCT.load(Ordering::SeqCst) as usize % ALL.len()];
        match conduct {
            Conduct::Reads => drop(text),
            Conduct::Panics => panic!("planned: {text}"),
            Conduct::PanicsWithValue => panic_any(Planned),
            Conduct::PanicsWithBomb => panic_any(Bomb),
            Conduct::OpensEncoder => {
                let format = Format { width: 64, height: 64, pixels: PixelFormat::Yuv420p };
                if let Ok(pool) = FramePool::new(System, format) {
                    drop(Encoder::new(&pool, TimeBase { num: 1, den: 1_000_000 }, mpeg4::Mpeg4::new()).open());
                }
            }
            Conduct::OpensFile => drop(Demuxer::from_read_seek(Cursor::new(vec![7; 3000]))),
            Conduct::MakesFrames => {
                let format = Format { width: 64, height: 64, pixels: PixelFormat::Nv12 };
                drop(FramePool::new(System, format).and_then(|pool| pool.frame()));
            }
            Conduct::OpensDevice => drop(avsluice::Device::cuda(0)),
            Conduct::Slow => drop((0..100_000u64).fold(0, |sum, n| std::hint::black_box(sum ^ n))),
        }
    }
    fn flush(&self) {}
}
