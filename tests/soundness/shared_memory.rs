//! Memory that somebody else may write, or take away, and memory that nobody has written.

use crate::support::{YUV420P, bytes, isolated, open, picture, simulated, simulated_vaapi};
use avsluice::{
    Decoder, Demuxer, Device, Encoder, ErrorKind, Format, FramePool, Mapping, Muxer, Named, PixelFormat, System,
    TimeBase,
    drm::{self, DmaBuf, LINEAR, fourcc},
};
use std::{
    fs::File,
    io::Cursor,
    os::{
        fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
        unix::fs::FileExt as _,
    },
};

fn memfd(size: u64) -> File {
    // SAFETY: the name is terminated, and the descriptor new: ours alone. Crates give this with no `unsafe`.
    let file = unsafe { File::from_raw_fd(libc::memfd_create(c"test".as_ptr(), libc::MFD_ALLOW_SEALING)) };
    file.set_len(size).unwrap();
    file
}

fn seal(file: &File) {
    // SAFETY: adding seals has no preconditions.
    assert_eq!(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, libc::F_SEAL_SHRINK) }, 0);
}

fn nv12(width: u32, height: u32, planes: [(&File, u32); 2]) -> DmaBuf {
    let plane = |(file, offset): (&File, u32)| drm::Plane {
        fd: OwnedFd::from(file.try_clone().unwrap()),
        offset,
        pitch: width,
    };
    DmaBuf { width, height, fourcc: fourcc(b"NV12"), modifier: LINEAR, planes: planes.map(plane).into() }
}

/// Shrunk and sealed between any two looks of the library at it: it is copied whole or refused, and the reader lives.
#[test]
fn h64_a_buffer_that_shrinks_before_it_is_sealed_is_refused() {
    isolated("shared_memory::h64_a_buffer_that_shrinks_before_it_is_sealed_is_refused", || {
        let (width, height) = (512, 512);
        let pool = FramePool::new(System, Format { width, height, pixels: PixelFormat::Nv12 }).unwrap();
        let (mut refused, mut copied) = (0, 0);
        for round in 0..200 {
            let (luma, chroma) = (memfd(512 * 512), memfd(512 * 256));
            seal(&luma);
            let picture = nv12(width, height, [(&luma, 0), (&chroma, 0)]);
            let other = std::thread::spawn(move || {
                (0..round * 50).for_each(|_| std::hint::spin_loop());
                chroma.set_len(if round % 20 == 0 { 512 * 256 } else { 0 }).unwrap();
                seal(&chroma);
            });
            if round % 20 == 0 {
                other.join().unwrap();
                drop(pool.copy(&picture).unwrap());
                copied += 1;
                continue;
            }
            match pool.copy(&picture) {
                Ok(_) => panic!("a buffer of no bytes was copied"),
                Err(error) => {
                    let kind = error.kind();
                    assert!(matches!(kind, ErrorKind::Unsupported | ErrorKind::WrongFormat), "{error}");
                    refused += 1;
                }
            }
            other.join().unwrap();
        }
        assert_eq!((refused, copied), (190, 10));
    });
}

/// Its pages are of a reserve that others use up: reading one that is not there any more kills the reader, whatever is
/// sealed.
#[test]
fn h64_a_buffer_of_huge_pages_is_refused() {
    // SAFETY: the name is terminated.
    let made = unsafe { libc::memfd_create(c"test".as_ptr(), libc::MFD_ALLOW_SEALING | libc::MFD_HUGETLB) };
    if made < 0 {
        // Then no other process can make one either; how they are told is tested in src/raw/backend/drm.rs.
        let known = std::fs::read_to_string("/proc/filesystems").unwrap();
        assert!(!known.contains("hugetlbfs"), "{}", std::io::Error::last_os_error());
        return;
    }
    // SAFETY: the descriptor is new: ours alone.
    let huge = unsafe { File::from_raw_fd(made) };
    // A whole number of huge pages, of whatever size they are.
    huge.set_len(1 << 30).unwrap();
    seal(&huge);
    let pool = FramePool::new(System, Format { width: 64, height: 64, pixels: PixelFormat::Nv12 }).unwrap();
    let error = pool.copy(&nv12(64, 64, [(&huge, 0), (&huge, 64 * 64)])).map(drop).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.explanation().unwrap().contains("huge pages"), "{error}");
}

/// Written by another while it is mapped: nothing of ours holds a reference to it.
#[test]
fn h65_a_mapping_of_an_imported_buffer_is_copied_out() {
    simulated_vaapi("shared_memory::h65_a_mapping_of_an_imported_buffer_is_copied_out", |_| {
        let device = Device::vaapi(simgpu::va::NODE).unwrap();
        let pool = FramePool::new(&device, Format { width: 64, height: 64, pixels: PixelFormat::Nv12 }).unwrap();
        let file = memfd(1 << 16);
        let failed = pool.import(nv12(64, 64, [(&file, 0), (&file, 64 * 64)])).expect_err("it can still shrink");
        assert_eq!(*failed.kind(), ErrorKind::Unsupported, "{}", failed.error());
        seal(&file);
        let frame = pool.import(failed.into_value()).unwrap();
        let mapped = frame.map(Mapping::Direct).unwrap();
        let read = || {
            let mut row = [0; 64];
            assert!(mapped.plane(0).unwrap().data.copy(0, &mut row));
            row[0]
        };
        let before = read();
        file.write_at(&[0xaa; 64], 0).unwrap();
        assert_eq!((before, read()), (0, 0xaa), "the mapping is the buffer itself");
        assert!(file.set_len(0).is_err(), "nobody can take it away");
        // The SIMULATED driver would take it for written through the mapping.
        file.write_at(&[0; 64], 0).unwrap();
    });
}

/// libdav1d's pictures lie in memory that is not zeroed. Under Valgrind (`cargo xtask memcheck`) each byte that comes out must have been written.
#[test]
fn h66_every_byte_of_a_decoded_picture_was_written() {
    let stream =
        media::all().into_iter().find(|stream| stream.codec == media::Codec::Av1).expect("the package has AV1");
    let (mut input, video) = open(&stream.path).unwrap();
    let decoder = Decoder::new(System, &video).threads(1).open().unwrap();
    let mut sum = 0u64;
    for frame in decoder.frames(input.packets(&video)).take(2) {
        let frame = frame.unwrap();
        for plane in (0..3).map(|index| frame.plane(index)) {
            assert!(plane.lines().all(|line| line.len() == plane.row_bytes));
            // A branch on each byte: that is where Valgrind looks.
            plane.lines().flatten().for_each(|byte| sum += if byte & 1 == 1 { 2 } else { 1 });
        }
    }
    assert!(sum > 0);
}

/// Rows that run upwards, as raw video out of an AVI file: drivers and encoders take the distance between rows for a number without a sign.
#[test]
fn pictures_that_lie_bottom_up_are_turned_before_anybody_else_reads_them() {
    simulated("shared_memory::pictures_that_lie_bottom_up_are_turned_before_anybody_else_reads_them", |_| {
        let format = YUV420P;
        let source = picture(format, 0);
        let pool = FramePool::new(System, format).unwrap();
        let encoder = |pool| Encoder::new(pool, TimeBase::hz(25), Named::new("rawvideo")).threads(1).open().unwrap();
        let mut raw = encoder(&pool);
        let mut output = Muxer::to_write_seek("nut", Cursor::new(Vec::new())).unwrap();
        let track = output.add(&raw).unwrap();
        let mut output = output.open().unwrap();
        raw.send(source).unwrap().for_each(|packet| output.write(track, packet.unwrap()).unwrap());
        let file: Cursor<Vec<u8>> = output.finish_into().unwrap();
        let mut input = Demuxer::from_read_seek(file).unwrap();
        // As AVI files have it.
        let stream = input.video().unwrap().with_extradata(b"BottomUp\0").unwrap();
        let decoder = Decoder::new(System, &stream).threads(1).open().unwrap();
        let frame = decoder.frames(input.packets(&stream)).next().unwrap().unwrap();
        assert!(frame.plane(0).bottom_up, "this is what the test is about");
        let expected = bytes(&frame);
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, frame.format()).unwrap();
        let down = frame.upload(&pool).unwrap().download().unwrap();
        assert_eq!(bytes(&down), expected);
        let packet = encoder(&frame.pool()).send(frame).unwrap().next().unwrap().unwrap();
        assert_eq!(packet.data(), expected);
    });
}
