//! What a program works with: chance, what it says of itself, what came out of it, and the SIMULATED drivers.

use crate::rng::Rng;
use avsluice::{Format, Frame, Mapped, Memory, Packet, PixelFormat, System};
use simgpu::{Fault, Simgpu};
use std::fmt::Display;
use std::io::Write as _;
use std::panic;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// A panic that a program wants, by the callbacks of its own. Any other is a finding.
#[derive(Debug)]
pub struct Planned;

/// A value whose drop panics, unless a panic is under way already: an error, a panic's payload, what a reader holds.
#[derive(Debug)]
pub struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("planned: a value was dropped");
        }
    }
}
impl std::fmt::Display for Bomb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("bomb")
    }
}
impl std::error::Error for Bomb {}

/// Whether a call that gives something back was made to fail.
static KEEPS: AtomicBool = AtomicBool::new(false);

/// Whether any call was made to fail.
static FAULTS: AtomicBool = AtomicBool::new(false);

/// Whether a call that gives something back was made to fail since the last call of this.
pub fn drivers_keep_something() -> bool {
    FAULTS.store(false, Ordering::SeqCst);
    KEEPS.swap(false, Ordering::SeqCst)
}

/// Whether a driver's call of this program may have failed.
pub fn drivers_fail() -> bool {
    FAULTS.load(Ordering::SeqCst)
}

/// The panics that nobody planned: where, and what they said.
static UNPLANNED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// From now on a panic is remembered, unless it was planned.
pub fn watch_panics() {
    panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let text = payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string));
        let text = text.unwrap_or_default();
        if payload.is::<Planned>() || payload.is::<Bomb>() || text.contains("planned") {
            return;
        }
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        UNPLANNED.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{place}: {text}"));
    }));
}

/// Something that a program itself saw go wrong: it is remembered as a panic is.
pub fn wrong(text: String) {
    UNPLANNED.lock().unwrap_or_else(PoisonError::into_inner).push(text);
}

/// The panics since the last call.
pub fn unplanned_panics() -> Vec<String> {
    std::mem::take(&mut UNPLANNED.lock().unwrap_or_else(PoisonError::into_inner))
}

/// What one program, or one thread of it, works with.
pub struct World {
    pub rng: Rng,
    pub gpu: Simgpu,
    /// Where it may write files: the current folder, but for code that wants a whole path.
    pub folder: PathBuf,
    /// A hash of everything that came out.
    digest: u64,
    /// Which thread it is.
    name: String,
}

impl World {
    pub fn new(rng: Rng, gpu: Simgpu, folder: PathBuf) -> Self {
        World { rng, gpu, folder, digest: 0xCBF2_9CE4_8422_2325, name: String::new() }
    }
    /// For another thread of the program.
    pub fn fork(&mut self, name: &str) -> Self {
        World { rng: self.rng.fork(), name: format!("{name}: "), folder: self.folder.clone(), ..*self }
    }
    /// Lets calls of the drivers fail. Where it is a call that gives something back, what stays is the fault's own.
    pub fn fail(&self, fault: Fault) {
        let gives_back = ["Destroy", "Free", "Release", "Terminate", "Unregister", "Unmap", "Close"];
        let wide = fault.function.len() < 8 && fault.function.ends_with('*');
        if wide || gives_back.iter().any(|name| fault.function.contains(name)) {
            KEEPS.store(true, Ordering::SeqCst);
        }
        FAULTS.store(true, Ordering::SeqCst);
        self.note(format_args!("fault {fault:?}"));
        self.gpu.fail(fault);
    }
    /// Says what comes next: the last such line is what a crash is known by.
    pub fn note(&self, text: impl Display) {
        let mut out = std::io::stdout().lock();
        let text = format!("{}{text}", self.name).replace(['\n', '\r', '\0'], "?");
        // The folder's name differs from run to run.
        let text = text.replace(&*self.folder.to_string_lossy(), "");
        let _ = writeln!(out, "note {}", text.chars().take(400).collect::<String>());
        let _ = out.flush();
    }
    /// Takes what came out into the hash.
    pub fn came_out(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.digest = (self.digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
    pub fn digest(&self) -> u64 {
        self.digest
    }
    /// Takes a packet's bytes and times.
    pub fn take_packet(&mut self, packet: &Packet) {
        self.came_out(packet.data());
        for time in [packet.pts(), packet.dts()].into_iter().flatten() {
            self.came_out(&time.to_le_bytes());
        }
    }
    /// Takes all that a picture shows of its memory.
    pub fn take_frame(&mut self, frame: &Frame<'_, System>) {
        for index in 0..4 {
            for line in frame.plane(index).lines() {
                self.came_out(line);
            }
        }
    }
    /// The same of a picture in a device's memory.
    pub fn take_mapped(&mut self, mapped: &Mapped<'_>) {
        for index in 0..4 {
            let Some(plane) = mapped.plane(index) else { break };
            let mut line = vec![0; plane.row_bytes];
            for row in 0..plane.rows {
                plane.data.copy(row, &mut line);
                self.came_out(&line);
            }
        }
    }
    /// A layout and a size, most often a small usual one.
    pub fn format(&mut self) -> Format {
        let pixels = self.rng.choose(&[
            PixelFormat::Yuv420p,
            PixelFormat::Yuv420p,
            PixelFormat::Yuv420p,
            PixelFormat::Nv12,
            PixelFormat::Nv12,
            PixelFormat::P010,
            PixelFormat::Yuvj420p,
            PixelFormat::Yuv422p,
            PixelFormat::Yuv444p,
            PixelFormat::Yuv420p10,
            PixelFormat::Gray8,
            PixelFormat::Bgra,
            PixelFormat::Rgba,
            PixelFormat::Rgb24,
        ]);
        let rng = &mut self.rng;
        let (width, height) = match rng.below(8) {
            0 => (rng.between(1, 300), rng.between(1, 200)),
            1 => (rng.choose(&[720, 352, 640, 1]), rng.choose(&[486, 288, 480, 576, 1])),
            _ => (rng.choose(&[64, 160, 176, 128]), rng.choose(&[64, 96, 144, 128])),
        };
        Format { width: width as u32, height: height as u32, pixels }
    }
    /// Writes the whole picture.
    pub fn paint(&mut self, frame: &mut Frame<'_, System>) {
        let mut index = 0;
        let kind = self.rng.below(3);
        while let Some(plane) = frame.plane_mut(index) {
            for (y, line) in plane.lines_mut().enumerate() {
                for (x, sample) in line.iter_mut().enumerate() {
                    *sample = if kind == 0 { (x * 3 + y * 5 + index * 64) as u8 } else { self.rng.next() as u8 };
                }
            }
            index += 1;
        }
    }
    /// The name of a file that the program may write.
    pub fn file(&mut self, extension: &str) -> PathBuf {
        self.folder.join(format!("f{}.{extension}", self.rng.below(6)))
    }
}

/// Drops them in any order.
pub fn drop_in_any_order<T>(rng: &mut Rng, mut things: Vec<T>) {
    while !things.is_empty() {
        drop(things.swap_remove(rng.below(things.len())));
    }
}

/// The name of a result, for a note.
pub fn outcome<T, E: Display>(result: &Result<T, E>) -> String {
    result.as_ref().map_or_else(|error| error.to_string(), |_| "ok".to_owned())
}

/// Any frame goes through here, so that one line says what memory it was of.
pub fn look_at<M: Memory>(world: &mut World, frame: &Frame<'_, M>) {
    let facts =
        (frame.pts(), frame.duration(), frame.time_base(), frame.is_keyframe(), frame.field_order(), frame.rotation());
    let text = format!("{:?} {facts:?} {:?} {:?}", frame.format(), frame.color(), frame.sample_aspect_ratio());
    world.came_out(text.as_bytes());
}
