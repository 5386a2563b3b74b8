//! Copies between host and device memory: each is a call of its own ([`Frame::download`](crate::Frame::download),
//! [`Frame::upload`](crate::Frame::upload)), and each is counted, so that "zero-copy" is a number.

use std::sync::atomic::{AtomicU64, Ordering};

/// What avsluice copied between host and device memory in this process so far. Bytes are bytes of picture, without padding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Frames copied to a device.
    pub uploads: u64,
    /// Bytes copied to a device.
    pub uploaded_bytes: u64,
    /// Frames copied to the host.
    pub downloads: u64,
    /// Bytes copied to the host.
    pub downloaded_bytes: u64,
    /// Frames copied within a device: out of a decoder's own surfaces (FFmpeg before 6.0), and for an encoder that was sent frames of many pools.
    pub device_copies: u64,
    /// Bytes copied within a device.
    pub device_copied_bytes: u64,
}

struct Counter {
    frames: AtomicU64,
    bytes: AtomicU64,
}

impl Counter {
    const fn new() -> Self {
        Counter { frames: AtomicU64::new(0), bytes: AtomicU64::new(0) }
    }
    fn add(&self, bytes: u64) {
        self.frames.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
    fn read(&self) -> (u64, u64) {
        (self.frames.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}

static UPLOADS: Counter = Counter::new();
static DOWNLOADS: Counter = Counter::new();
static DEVICE_COPIES: Counter = Counter::new();

/// The counts so far, of all threads.
pub fn stats() -> Stats {
    let ((uploads, uploaded_bytes), (downloads, downloaded_bytes)) = (UPLOADS.read(), DOWNLOADS.read());
    let (device_copies, device_copied_bytes) = DEVICE_COPIES.read();
    Stats { uploads, uploaded_bytes, downloads, downloaded_bytes, device_copies, device_copied_bytes }
}

pub(crate) fn uploaded(bytes: u64) {
    UPLOADS.add(bytes);
}
pub(crate) fn downloaded(bytes: u64) {
    DOWNLOADS.add(bytes);
}
pub(crate) fn copied_on_device(bytes: u64) {
    DEVICE_COPIES.add(bytes);
}
