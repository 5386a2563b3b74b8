//! Device memory.
//!
//! An allocation is two mappings: its device address is reserved without access, so that a host dereference is a SIGSEGV as
//! with a real driver's, and its contents lie in a shadow mapping elsewhere. Guards surround the device address. Freed
//! addresses stay reserved in a quarantine, so that a late use is recognised as one, and go back to the system when
//! newer ones push them out: long runs do not use up the address space, and nothing is reserved in advance.
//!
//! Other modules allocate by [`State::allocate`] and [`State::release`] and reach the contents by [`State::resolve`]
//! (all in `ledger`), which checks bounds and liveness and gives a [`Span`]. A span keeps the contents mapped even when the
//! program frees the memory meanwhile, so it may be used after the ledger's lock is dropped.
//!
//! [`State::allocate`]: crate::ledger::State::allocate
//! [`State::release`]: crate::ledger::State::release
//! [`State::resolve`]: crate::ledger::State::resolve

use crate::ledger::{Handle, Kind};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A `CUdeviceptr`.
pub type DevicePtr = u64;

const PAGE: usize = 0x1_0000;
const QUARANTINE_BYTES: usize = 2 << 30;

/// A private anonymous mapping, unmapped when dropped.
struct Mapping {
    start: usize,
    length: usize,
}

impl Mapping {
    fn new(length: usize, protection: i32) -> Option<Mapping> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a fresh anonymous mapping at an address of the kernel's choice touches nothing that exists.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), length, protection, flags, -1, 0) };
        (start != libc::MAP_FAILED).then_some(Mapping { start: start as usize, length })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range came from mmap in `new` and this is its only owner; spans into a shadow hold it by Arc.
        unsafe { libc::munmap(self.start as *mut libc::c_void, self.length) };
    }
}

/// Checked access to part of an allocation's contents.
pub struct Span {
    shadow: Arc<Mapping>,
    offset: usize,
    length: usize,
}

impl Span {
    /// Where the contents start, in host memory.
    ///
    /// Valid for `len` bytes while the span lives. It is a raw pointer because the program may write the same memory from
    /// another thread at the same time, as it may on a GPU: copy through it, make no references.
    pub fn as_ptr(&self) -> *mut u8 {
        (self.shadow.start + self.offset) as *mut u8
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.length
    }
}

/// One allocation.
pub struct Allocation {
    /// Its size in bytes, as asked for.
    pub size: usize,
    /// The context it belongs to.
    pub context: Handle,
    /// What it is.
    pub kind: Kind,
    /// The object that owns it, or 0 for the program's own.
    pub owner: Handle,
    /// Objects that refer to it and must go first: registrations with the encoder.
    pub pins: Vec<Handle>,
    reserved: Mapping,
    shadow: Arc<Mapping>,
}

/// What an address is.
pub enum Found<'m> {
    /// Inside a live allocation that starts at the address given.
    Live(DevicePtr, &'m Allocation),
    /// Inside an allocation that was freed.
    Freed(DevicePtr, usize),
    /// Device memory never had it, or long ago.
    Unknown,
}

/// All device memory.
#[derive(Default)]
pub struct DeviceMemory {
    live: BTreeMap<DevicePtr, Allocation>,
    freed: BTreeMap<DevicePtr, (Mapping, usize)>,
    quarantine: VecDeque<DevicePtr>,
    quarantined: usize,
    /// Bytes allocated now.
    pub used: u64,
    /// The highest `used` so far.
    pub peak: u64,
}

impl DeviceMemory {
    /// Allocates, without regard to how much memory the GPU has.
    pub fn allocate(&mut self, size: usize, context: Handle, kind: Kind, owner: Handle) -> Option<DevicePtr> {
        let span = size.checked_next_multiple_of(PAGE)?;
        let map = || Some((Mapping::new(span + 2 * PAGE, libc::PROT_NONE)?, read_write(span)?));
        let (reserved, shadow) = map().or_else(|| {
            // Short of address space (ulimit -v): what the quarantine holds comes first.
            self.shrink_quarantine(0);
            map()
        })?;
        let pointer = ((reserved.start + PAGE).next_multiple_of(4096)) as DevicePtr;
        self.used += size as u64;
        self.peak = self.peak.max(self.used);
        let shadow = Arc::new(shadow);
        self.live.insert(pointer, Allocation { size, context, kind, owner, pins: Vec::new(), reserved, shadow });
        Some(pointer)
    }

    /// Frees the allocation that starts at `pointer`.
    pub fn free(&mut self, pointer: DevicePtr) -> Option<Allocation> {
        let mut allocation = self.live.remove(&pointer)?;
        self.used -= allocation.size as u64;
        let reserved = std::mem::replace(&mut allocation.reserved, Mapping { start: 0, length: 0 });
        self.quarantined += reserved.length;
        self.freed.insert(pointer, (reserved, allocation.size));
        self.quarantine.push_back(pointer);
        self.shrink_quarantine(QUARANTINE_BYTES);
        Some(allocation)
    }

    fn shrink_quarantine(&mut self, limit: usize) {
        while self.quarantined > limit {
            let Some(oldest) = self.quarantine.pop_front() else { break };
            if let Some((reserved, _)) = self.freed.remove(&oldest) {
                self.quarantined -= reserved.length;
            }
        }
    }

    /// What `pointer` is.
    pub fn find(&self, pointer: DevicePtr) -> Found<'_> {
        // One byte past the end still names the allocation: a pointer computed to its end is an overrun of it, not unknown.
        if let Some((start, found)) = self.live.range(..=pointer).next_back() {
            if pointer <= start + found.size as u64 {
                return Found::Live(*start, found);
            }
        }
        match self.freed.range(..=pointer).next_back() {
            Some((start, (_, size))) if pointer < start + *size as u64 => Found::Freed(*start, *size),
            _ => Found::Unknown,
        }
    }

    /// The allocation that starts at `pointer`.
    pub fn at(&mut self, pointer: DevicePtr) -> Option<&mut Allocation> {
        self.live.get_mut(&pointer)
    }

    /// The contents of `length` bytes from `pointer`, or a sentence that says what is wrong.
    pub fn resolve(&self, pointer: DevicePtr, length: usize) -> Result<Span, String> {
        match self.find(pointer) {
            Found::Live(start, found) => {
                let offset = (pointer - start) as usize;
                match offset.checked_add(length) {
                    Some(end) if end <= found.size => Ok(Span { shadow: Arc::clone(&found.shadow), offset, length }),
                    _ => {
                        let (kind, size) = (found.kind.name(), found.size);
                        Err(format!("{pointer:#x}+{length} overruns {kind} {start:#x}+{size}"))
                    }
                }
            }
            Found::Freed(start, size) => Err(format!("{pointer:#x}+{length} uses freed memory {start:#x}+{size}")),
            Found::Unknown => Err(format!("{pointer:#x} is no device address")),
        }
    }

    /// All live allocations.
    pub fn iter(&self) -> impl Iterator<Item = (DevicePtr, &Allocation)> {
        self.live.iter().map(|(pointer, allocation)| (*pointer, allocation))
    }
}

fn read_write(length: usize) -> Option<Mapping> {
    Mapping::new(length.max(PAGE), libc::PROT_READ | libc::PROT_WRITE)
}

/// System memory that the program fills or reads through a pointer, aligned for any of the interfaces' structs.
pub struct HostMemory {
    start: *mut u64,
    length: usize,
}

// SAFETY: it is plain memory with one owner; every access of ours goes through a copy.
unsafe impl Send for HostMemory {}

impl HostMemory {
    /// Zeroed memory.
    pub fn new(length: usize) -> HostMemory {
        let start = Box::into_raw(vec![0_u64; length.div_ceil(8)].into_boxed_slice()).cast();
        HostMemory { start, length }
    }

    /// What the program gets to read and write.
    pub fn as_ptr(&self) -> *mut u8 {
        self.start.cast()
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.length
    }

    /// A copy of the contents.
    pub fn copy(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.length];
        // SAFETY: `length` bytes belong to this memory, and the copy is another allocation.
        unsafe { std::ptr::copy_nonoverlapping(self.as_ptr(), bytes.as_mut_ptr(), self.length) };
        bytes
    }

    /// Writes bytes that fit.
    pub fn write(&self, offset: usize, bytes: &[u8]) {
        assert!(offset.checked_add(bytes.len()).is_some_and(|end| end <= self.length));
        // SAFETY: the range lies within this memory, as just asserted, and `bytes` is another allocation.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.as_ptr().add(offset), bytes.len()) };
    }
}

impl Drop for HostMemory {
    fn drop(&mut self) {
        let words = self.length.div_ceil(8);
        // SAFETY: the pointer and length are those that Box::into_raw gave in `new`, and nothing else frees them.
        drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(self.start, words)) });
    }
}

/// A hash of `length` bytes that `read` copies out piece by piece, to notice a change.
pub fn fingerprint(length: usize, read: impl Fn(usize, &mut [u8])) -> u64 {
    let mut chunk = [0; 4096];
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for offset in (0..length).step_by(chunk.len()) {
        read(offset, &mut chunk);
        for word in chunk.chunks_exact(8) {
            let word = u64::from_le_bytes([word[0], word[1], word[2], word[3], word[4], word[5], word[6], word[7]]);
            hash = (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(5);
        }
    }
    hash
}
