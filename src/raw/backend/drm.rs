//! DMA-BUFs: as frames of a device, and mapped for a copy by the host.

use crate::{
    error::{Error, ErrorKind, Result},
    ffi,
    raw::{BufferRef, RawFrame, check, out_of_memory},
    types::{dma_buf::DmaBuf, pixel::PixelFormat},
};
use std::{
    ffi::c_void,
    io, mem,
    os::fd::{AsRawFd as _, BorrowedFd, OwnedFd},
    ptr::{self, NonNull},
    sync::{Arc, OnceLock},
};

/// What a frame keeps until its last reference is dropped: set once the frame exists.
pub(crate) type Keep<T> = Arc<OnceLock<T>>;

/// What stands behind the DRM frame's buffer.
struct Described {
    descriptor: ffi::AVDRMFrameDescriptor,
    _picture: Keep<DmaBuf>,
}

impl RawFrame {
    /// A frame of `pool` whose surface is the DMA-BUF; all its planes lie in one buffer of `size` bytes. The second value keeps
    /// what is put into it for as long as a reference to the frame lives: the picture's owner, once it is known that this went well.
    pub(crate) fn import_dma_buf(pool: &BufferRef, picture: &DmaBuf, size: u64) -> Result<(RawFrame, Keep<DmaBuf>)> {
        let format = pool.frames_format();
        let keep = Keep::default();
        let mut source = RawFrame::new()?;
        let described =
            Box::new(Described { descriptor: describe(picture, format.pixels, size), _picture: Arc::clone(&keep) });
        let described = Box::into_raw(described);
        let length = mem::size_of::<ffi::AVDRMFrameDescriptor>();
        // SAFETY: the data is the box's own descriptor, which has this length and lives until `free_description` frees
        // the box.
        let buffer = unsafe {
            ffi::av_buffer_create(
                (&raw mut (*described).descriptor).cast(),
                length,
                Some(free_description),
                described.cast(),
                0,
            )
        };
        if buffer.is_null() {
            // SAFETY: the box was made above, and no buffer took it over.
            drop(unsafe { Box::from_raw(described) });
            return Err(out_of_memory("av_buffer_create"));
        }
        let raw = source.get_mut();
        raw.format = ffi::AV_PIX_FMT_DRM_PRIME.0;
        // From here on the frame owns the buffer.
        raw.buf[0] = buffer;
        (raw.width, raw.height) = crate::raw::avutil::frame::size(format)?;
        // SAFETY: the buffer was just made, and its data is the descriptor.
        raw.data[0] = unsafe { (*buffer).data };

        let mut frame = RawFrame::new()?;
        let raw = frame.get_mut();
        raw.format = pool.frames_context().format.0;
        raw.hw_frames_ctx = pool.try_clone()?.into_raw();
        let (target, from) = (frame.as_ptr(), source.as_ptr());
        let flags = ffi::AV_HWFRAME_MAP_READ as i32;
        // SAFETY: the source is live, with a descriptor whose file descriptors the caller keeps open; the target is ours, empty but for
        // its pool. On success it refers to the source.
        check("av_hwframe_map", || unsafe { ffi::av_hwframe_map(target, from, flags) })?;
        Ok((frame, keep))
    }
}

/// FFmpeg's description of the picture: one layer, but for P010, which it knows as two.
fn describe(picture: &DmaBuf, pixels: PixelFormat, size: u64) -> ffi::AVDRMFrameDescriptor {
    // SAFETY: integers alone: all zeros is "nothing".
    let mut descriptor: ffi::AVDRMFrameDescriptor = unsafe { mem::zeroed() };
    descriptor.nb_objects = 1;
    descriptor.objects[0].fd = picture.planes.first().map_or(-1, |plane| plane.fd.as_raw_fd());
    descriptor.objects[0].size = usize::try_from(size).unwrap_or(usize::MAX);
    descriptor.objects[0].format_modifier = picture.modifier;
    let two_layers = [crate::types::dma_buf::fourcc(b"R16 "), crate::types::dma_buf::fourcc(b"RG32")];
    for (index, plane) in picture.planes.iter().take(4).enumerate() {
        let own_layer = pixels == PixelFormat::P010;
        let layer = &mut descriptor.layers[if own_layer { index } else { 0 }];
        layer.format = if own_layer { two_layers[index.min(1)] } else { picture.fourcc };
        let place = &mut layer.planes[if own_layer { 0 } else { index }];
        (place.offset, place.pitch) = (plane.offset as isize, plane.pitch as isize);
        layer.nb_planes += 1;
    }
    descriptor.nb_layers = descriptor.layers.iter().filter(|layer| layer.nb_planes > 0).count() as i32;
    descriptor
}

/// AVBuffer's free callback: lets go of the description, and of the picture.
unsafe extern "C" fn free_description(opaque: *mut c_void, _data: *mut u8) {
    // SAFETY: import_dma_buf made opaque from a Box<Described>; FFmpeg calls this once. Closing descriptors does not panic.
    drop(unsafe { Box::from_raw(opaque.cast::<Described>()) });
}

/// `struct dma_buf_sync` and its request, from linux/dma-buf.h: _IOW('b', 0, u64).
const SYNC: libc::c_ulong = 0x4008_6200;
const SYNC_READ: u64 = 1;
const SYNC_END: u64 = 4;

/// A buffer mapped for reading, between the two calls that tell its exporter so.
pub(crate) struct Reading<'f> {
    start: NonNull<u8>,
    length: usize,
    /// None for a memfd, which needs no synchronisation.
    buffer: Option<BorrowedFd<'f>>,
}

impl<'f> Reading<'f> {
    /// Maps the buffer, whose size this is as `fixed_size` gave it (mmap, DMA_BUF_IOCTL_SYNC).
    pub(crate) fn begin(fd: &'f OwnedFd, size: u64) -> Result<Self> {
        use std::os::fd::AsFd as _;
        let length = usize::try_from(size).map_err(|_| Error::new(ErrorKind::Unsupported, "mmap"))?;
        let buffer = is_dma_buf(fd).then(|| fd.as_fd());
        if let Some(buffer) = buffer {
            sync(buffer, SYNC_READ)?;
        }
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
        let start =
            unsafe { libc::mmap(ptr::null_mut(), length, libc::PROT_READ, libc::MAP_SHARED, fd.as_raw_fd(), 0) };
        match NonNull::new(start.cast()).filter(|_| start != libc::MAP_FAILED) {
            Some(start) => Ok(Reading { start, length, buffer }),
            None => {
                let error = io::Error::last_os_error();
                if let Some(buffer) = buffer {
                    sync(buffer, SYNC_READ | SYNC_END)?;
                }
                Err(error.into())
            }
        }
    }
    /// Copies bytes out.
    pub(crate) fn copy(&self, offset: usize, to: &mut [u8]) -> Result<()> {
        if offset.checked_add(to.len()).is_none_or(|end| end > self.length) {
            return Err(Error::new(ErrorKind::WrongFormat, "copy").detail("a row lies beyond the buffer's end"));
        }
        // SAFETY: the range lies in the mapping, as just checked; neither a DMA-BUF nor a sealed memfd shrinks; `to` is another
        // allocation. Somebody may write the buffer meanwhile: no reference to it is made.
        unsafe { ptr::copy_nonoverlapping(self.start.as_ptr().add(offset), to.as_mut_ptr(), to.len()) };
        Ok(())
    }
    /// Tells the exporter that the reading is over.
    pub(crate) fn end(mut self) -> Result<()> {
        self.buffer.take().map_or(Ok(()), |buffer| sync(buffer, SYNC_READ | SYNC_END))
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            // An error before this one is on its way to the application.
            let _ = sync(buffer, SYNC_READ | SYNC_END);
        }
        // SAFETY: the range came from mmap in `begin`, and self is its one owner.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

/// DMA_BUF_MAGIC of linux/magic.h: the file system that every DMA-BUF is in.
const DMA_BUF_MAGIC: u64 = 0x444d_4142;

/// HUGETLBFS_MAGIC of linux/magic.h: the file system of memfds that have huge pages.
const HUGETLBFS_MAGIC: u64 = 0x9584_58f6;

fn is_dma_buf(fd: &OwnedFd) -> bool {
    is_on(fd, DMA_BUF_MAGIC)
}

fn is_on(fd: &OwnedFd, magic: u64) -> bool {
    // SAFETY: integers alone: all zeros is a value.
    let mut system: libc::statfs = unsafe { mem::zeroed() };
    // SAFETY: the kernel writes to the struct whose address it is given.
    unsafe { libc::fstatfs(fd.as_raw_fd(), &mut system) == 0 && system.f_type as u64 & 0xffff_ffff == magic }
}

/// The buffer's size, if it stays what it is. Another process could else take the memory away while it is read, which kills the reader. The size is
/// asked for when it is sure that the buffer cannot shrink any more, and not before.
pub(crate) fn fixed_size(fd: &OwnedFd) -> Result<u64> {
    fixed_size_with(fd, seals)
}

/// Its seals; negative where it can have none.
fn seals(fd: &OwnedFd) -> i32 {
    // SAFETY: asking for a descriptor's seals has no preconditions.
    unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GET_SEALS) }
}

/// `seals` asks for them: a test does there what another process may do at that time.
fn fixed_size_with(fd: &OwnedFd, seals: impl FnOnce(&OwnedFd) -> i32) -> Result<u64> {
    let seals = seals(fd);
    if is_on(fd, HUGETLBFS_MAGIC) {
        let detail = "the memfd is of huge pages, which another process can use up: the reader would be killed";
        return Err(Error::new(ErrorKind::Unsupported, "fstat").detail(detail));
    }
    if !is_dma_buf(fd) && (seals < 0 || seals & libc::F_SEAL_SHRINK == 0) {
        return Err(Error::new(ErrorKind::Unsupported, "fstat").detail(
            "the descriptor is neither a DMA-BUF nor a memfd that is sealed against shrinking (F_SEAL_SHRINK)",
        ));
    }
    Ok(std::fs::File::from(fd.try_clone()?).metadata()?.len())
}

fn sync(buffer: BorrowedFd<'_>, flags: u64) -> Result<()> {
    loop {
        // SAFETY: the request reads the 64-bit integer at this address.
        if unsafe { libc::ioctl(buffer.as_raw_fd(), SYNC as _, &raw const flags) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The buffer shrinks and is sealed just before it is asked for its seals.
    #[test]
    fn h64_the_size_is_read_when_it_cannot_change_any_more() {
        // SAFETY: the name is terminated.
        let made = unsafe { libc::memfd_create(c"test".as_ptr(), libc::MFD_ALLOW_SEALING) };
        assert!(made >= 0, "{}", io::Error::last_os_error());
        // SAFETY: the descriptor is new: ours alone.
        let fd = unsafe { <OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(made) };
        let file = std::fs::File::from(fd.try_clone().unwrap());
        file.set_len(8192).unwrap();
        assert!(fixed_size(&fd).is_err(), "it can still shrink");
        let size = fixed_size_with(&fd, |fd| {
            file.set_len(4096).unwrap();
            // SAFETY: adding seals has no preconditions.
            assert_eq!(unsafe { libc::fcntl(made, libc::F_ADD_SEALS, libc::F_SEAL_SHRINK) }, 0);
            seals(fd)
        });
        assert_eq!(size.unwrap(), 4096);
    }

    #[test]
    fn file_systems_are_told_apart() {
        const PROC_SUPER_MAGIC: u64 = 0x9fa0;
        let fd = OwnedFd::from(std::fs::File::open("/proc/self/stat").unwrap());
        assert!(is_on(&fd, PROC_SUPER_MAGIC));
        assert!(!is_on(&fd, HUGETLBFS_MAGIC) && !is_dma_buf(&fd));
    }
}
