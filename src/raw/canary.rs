//! Memory that is lent to FFmpeg, between two pages that nobody may touch: the build of `cargo xtask attack` has it, no other
//! (`--cfg avsluice_canaries`).
//!
//! FFmpeg is not compiled with AddressSanitizer, so that what it and the codec libraries read and write beside a buffer goes
//! unseen. Here the buffer ends where a page begins that faults at the first byte. What lies before it, up to the page before, has a
//! pattern that must be there when the memory is freed.

use crate::ffi;
use crate::{error::Result, raw::out_of_memory};
use std::{
    ffi::c_void,
    ops::Deref,
    ptr::{self, NonNull},
    slice,
};

const PATTERN: u8 = 0xC5;
/// The largest page of the machines that this runs on is larger; a mapping's size must be a multiple of theirs.
const PAGE: usize = 4096;
/// What FFmpeg's own allocator aligns to at most.
const ALIGNMENT: usize = 64;

/// A block of memory before a page that faults.
pub(super) struct Block {
    mapping: NonNull<u8>,
    mapped: usize,
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: self is the one owner of the mapping, which has no thread affinity.
unsafe impl Send for Block {}

impl Block {
    /// So many bytes of zero, their end at the page; or up to 63 bytes before it, where the beginning must be aligned.
    pub(super) fn new(length: usize, aligned: bool) -> Option<Self> {
        let room = if aligned { length.checked_next_multiple_of(ALIGNMENT)? } else { length };
        let inside = room.checked_next_multiple_of(PAGE)?.max(PAGE);
        let mapped = inside.checked_add(2 * PAGE)?;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
        let mapping = unsafe { libc::mmap(ptr::null_mut(), mapped, libc::PROT_NONE, flags, -1, 0) };
        let mapping = NonNull::new(mapping.cast::<u8>()).filter(|start| start.as_ptr().cast() != libc::MAP_FAILED)?;
        // SAFETY: the range lies in the mapping, which is ours and which nobody knows yet.
        let (first, opened) = unsafe {
            let first = mapping.add(PAGE);
            (first, libc::mprotect(first.as_ptr().cast(), inside, libc::PROT_READ | libc::PROT_WRITE))
        };
        let before = inside - room;
        // SAFETY: the place lies in the mapping.
        let block = Block { mapping, mapped, start: unsafe { first.add(before) }, length };
        if opened != 0 {
            return None;
        }
        // SAFETY: both ranges lie in the part that may be written; it is all zero.
        unsafe {
            ptr::write_bytes(first.as_ptr(), PATTERN, before);
            ptr::write_bytes(block.start.as_ptr().add(length), PATTERN, room - length);
        }
        Some(block)
    }
    fn is_intact(&self) -> bool {
        // SAFETY: the part that may be read begins a page behind the mapping's beginning and ends a page before its end; the
        // block lies in it.
        unsafe {
            let first = self.mapping.as_ptr().add(PAGE);
            let end = self.mapping.as_ptr().add(self.mapped - PAGE);
            let before = slice::from_raw_parts(first, self.start.as_ptr().offset_from(first) as usize);
            let behind = self.start.as_ptr().add(self.length);
            let behind = slice::from_raw_parts(behind, end.offset_from(behind) as usize);
            before.iter().chain(behind).all(|byte| *byte == PATTERN)
        }
    }
    /// An AVBuffer that frees the block.
    fn into_buffer(self) -> Result<NonNull<ffi::AVBufferRef>> {
        let (data, length) = (self.start.as_ptr(), self.length);
        let block = Box::into_raw(Box::new(self));
        // SAFETY: the block's bytes live until `free` frees the block, which FFmpeg calls once.
        let buffer = unsafe { ffi::av_buffer_create(data, length, Some(free), block.cast(), 0) };
        NonNull::new(buffer).ok_or_else(|| {
            // SAFETY: the box was made above, and no buffer took it over.
            drop(unsafe { Box::from_raw(block) });
            out_of_memory("av_buffer_create")
        })
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if !self.is_intact() {
            eprintln!("avsluice canary: somebody has written beside a buffer of {} bytes", self.length);
            std::process::abort();
        }
        // SAFETY: the range came from mmap in `new`, and self is its one owner.
        unsafe { libc::munmap(self.mapping.as_ptr().cast(), self.mapped) };
    }
}

/// AVBuffer's free callback.
unsafe extern "C" fn free(opaque: *mut c_void, _data: *mut u8) {
    // SAFETY: `into_buffer` made opaque from a Box<Block>; FFmpeg calls this once.
    drop(unsafe { Box::from_raw(opaque.cast::<Block>()) });
}

/// Moves a frame that av_frame_get_buffer has just made into guarded memory.
pub(super) fn guard_frame(frame: &mut ffi::AVFrame) -> Result<()> {
    for index in 0..frame.buf.len() {
        let Some(old) = NonNull::new(frame.buf[index]) else { break };
        // SAFETY: a non-null entry of `buf` is a live reference.
        let (data, size) = unsafe { (old.as_ref().data, old.as_ref().size) };
        let block = Block::new(size, true).ok_or_else(|| out_of_memory("mmap"))?;
        let start = block.start.as_ptr();
        // FFmpeg aligned the planes' pointers within its own buffer, whose beginning is aligned too.
        let aligned = data.align_offset(ALIGNMENT) == 0;
        if !aligned {
            continue;
        }
        let buffer = block.into_buffer()?;
        for plane in &mut frame.data {
            let offset = (*plane as usize).wrapping_sub(data as usize);
            if offset < size {
                *plane = start.wrapping_add(offset);
            }
        }
        let mut old = std::mem::replace(&mut frame.buf[index], buffer.as_ptr());
        // SAFETY: the frame's reference, which it has another in the place of.
        unsafe { ffi::av_buffer_unref(&mut old) };
    }
    frame.extended_data = frame.data.as_mut_ptr();
    Ok(())
}

/// Moves a packet's bytes into guarded memory, with the zeros that FFmpeg wants behind them.
pub(super) fn guard_packet(packet: &mut ffi::AVPacket) -> Result<()> {
    let padding = ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize;
    let size = usize::try_from(packet.size).unwrap_or(0);
    let block = Block::new(size + padding, false).ok_or_else(|| out_of_memory("mmap"))?;
    let start = block.start.as_ptr();
    if !packet.data.is_null() {
        // SAFETY: the packet has `size` bytes, and the block has more.
        unsafe { ptr::copy_nonoverlapping(packet.data, start, size) };
    }
    let buffer = block.into_buffer()?;
    let mut old = std::mem::replace(&mut packet.buf, buffer.as_ptr());
    packet.data = start;
    // SAFETY: the packet's reference, which it has another in the place of; null is nothing to do.
    unsafe { ffi::av_buffer_unref(&mut old) };
    Ok(())
}

/// A guarded copy of bytes that are lent for a call.
pub(super) struct Lent(Block);

impl Lent {
    pub(super) fn copy_of(bytes: &[u8]) -> Result<Self> {
        let block = Block::new(bytes.len(), false).ok_or_else(|| out_of_memory("mmap"))?;
        // SAFETY: the block has this length.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), block.start.as_ptr(), bytes.len()) };
        Ok(Lent(block))
    }
}

impl Deref for Lent {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        // SAFETY: the block's bytes are initialised, and live as long as self.
        unsafe { slice::from_raw_parts(self.0.start.as_ptr(), self.0.length) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_ends_at_a_page() {
        let block = Block::new(100, false).unwrap();
        assert_eq!((block.start.as_ptr() as usize + 100) % PAGE, 0);
        assert!(block.is_intact());
        let block = Block::new(100, true).unwrap();
        assert_eq!(block.start.as_ptr() as usize % ALIGNMENT, 0);
    }

    #[test]
    fn what_is_written_beside_it_shows() {
        let block = Block::new(100, true).unwrap();
        // SAFETY: the byte lies in the block's own mapping, behind its 100 bytes and before the page.
        unsafe { *block.start.as_ptr().add(101) ^= 1 };
        assert!(!block.is_intact());
        // SAFETY: as above.
        unsafe { *block.start.as_ptr().add(101) ^= 1 };
    }
}
