//! VA-API devices and DMA-BUFs, on the SIMULATED VA-API driver: by node, by X11 display, an application's own; and what is missing.

mod support;

use avsluice::{
    Device, Encoder, ErrorKind, Format, Frame, FramePool, Limit, PixelFormat, System, drm, drm::DmaBuf, vaapi,
};
use libloading::{Library, Symbol};
use simgpu::va::NODE;
use std::{
    ffi::{c_int, c_void},
    fs::File,
    io::{BufRead as _, BufReader},
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
    process::{Child, Command, Stdio},
    sync::{Mutex, mpsc},
};
use support::{
    CLOCK, NV12, isolated, leaked_by_encoders, md5, on_vaapi_with, picture, simulated_vaapi, simulated_vaapi_leaking,
};

/// The application's own libva.
struct Libva {
    va: Library,
    drm: Library,
}

impl Libva {
    fn open() -> Self {
        // SAFETY: libva's initialisers do nothing.
        unsafe { Libva { va: Library::new("libva.so.2").unwrap(), drm: Library::new("libva-drm.so.2").unwrap() } }
    }
    fn display(&self, node: &File) -> *mut c_void {
        let (mut major, mut minor) = (0, 0);
        // SAFETY: the functions of va.h with their signatures; the file is open for as long as the display is used.
        unsafe {
            let get: Symbol<unsafe extern "C" fn(c_int) -> *mut c_void> = self.drm.get(b"vaGetDisplayDRM\0").unwrap();
            let initialize: Symbol<unsafe extern "C" fn(*mut c_void, *mut c_int, *mut c_int) -> c_int> =
                self.va.get(b"vaInitialize\0").unwrap();
            let display = get(node.as_raw_fd());
            assert_eq!(initialize(display, &mut major, &mut minor), 0);
            display
        }
    }
    fn terminate(&self, display: *mut c_void) {
        // SAFETY: an initialised display, which nobody uses any more.
        unsafe {
            let terminate: Symbol<unsafe extern "C" fn(*mut c_void) -> c_int> = self.va.get(b"vaTerminate\0").unwrap();
            assert_eq!(terminate(display), 0);
        }
    }
}

/// Owns a display as an application's renderer would, and says when it goes.
struct Renderer {
    display: usize,
    _node: File,
    gone: mpsc::Sender<()>,
    // `Sender` is what makes it Sync.
    _lock: Mutex<()>,
}
impl Drop for Renderer {
    fn drop(&mut self) {
        Libva::open().terminate(self.display as *mut c_void);
        self.gone.send(()).unwrap();
    }
}

#[test]
fn h31_an_applications_display_goes_after_all_that_was_built_on_it() {
    simulated_vaapi("h31_an_applications_display_goes_after_all_that_was_built_on_it", |_| {
        let node = File::open(NODE).unwrap();
        let display = Libva::open().display(&node);
        let (gone, wait) = mpsc::channel();
        let renderer = Renderer { display: display as usize, _node: node, gone, _lock: Mutex::new(()) };
        // SAFETY: the renderer terminates the display when it is dropped, and nobody else does.
        let device = unsafe { Device::from_va_display(vaapi::Display(display), renderer) }.unwrap();
        assert_eq!(device.display(), vaapi::Display(display));
        let pool = FramePool::new(&std::sync::Arc::new(device), NV12).unwrap();
        let frame = picture(NV12, 3).upload(&pool).unwrap();
        drop(pool);
        assert!(wait.try_recv().is_err(), "the frame still needs the display");
        assert_eq!(md5(&frame.download().unwrap()), md5(&picture(NV12, 3)));
        drop(frame);
        wait.try_recv().expect("the owner goes with the last reference");
        // SAFETY: null is refused before anything is done with it.
        let null = unsafe { Device::from_va_display(vaapi::Display(std::ptr::null_mut()), ()) };
        assert_eq!(*null.unwrap_err().kind(), ErrorKind::InvalidSetting { name: "display".into() });
    });
}

#[test]
fn frames_of_one_display_are_one_devices() {
    simulated_vaapi_leaking("frames_of_one_display_are_one_devices", leaked_by_encoders(), |_| {
        let first = Device::vaapi(NODE).unwrap();
        let second = Device::vaapi(NODE).unwrap();
        // SAFETY: `first` outlives the device that is built on its display.
        let adopted = unsafe { Device::from_va_display(first.display(), ()) }.unwrap();
        let pools = [&first, &second].map(|device| FramePool::new(device, NV12).unwrap());
        let mut encoder = Encoder::new(&pools[0], CLOCK, vaapi::H264::new()).open().unwrap();
        let stranger = picture(NV12, 0).upload(&pools[1]).unwrap();
        let error = encoder.send(stranger).err().unwrap().into_error();
        assert_eq!(*error.kind(), ErrorKind::WrongDevice, "{error}");
        // The same display, adopted: surfaces of either are the other's.
        let pool = FramePool::new(&adopted, NV12).unwrap();
        drop(encoder.send(picture(NV12, 0).upload(&pool).unwrap()).unwrap());
        drop(encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap());
    });
}

#[test]
fn h33_what_is_missing_on_the_way_to_a_device_is_named() {
    isolated("h33_what_is_missing_on_the_way_to_a_device_is_named", || {
        for (node, text) in [("/dev/dri/renderD250", "/dev/dri/renderD*"), (NODE, "/dev/null is no GPU's")] {
            let error = Device::vaapi(node).err().unwrap();
            assert_eq!(*error.kind(), ErrorKind::NoDevice, "{error}");
            assert!(error.to_string().contains(text), "{error}");
        }
        let error = Device::vaapi_x11(Some(":250")).err().unwrap();
        assert_eq!(*error.kind(), ErrorKind::NoDevice, "{error}");
        if vaapi::nodes().is_empty() {
            let error = Device::vaapi_any().err().unwrap();
            assert_eq!(*error.kind(), ErrorKind::NoDevice);
            assert!(error.to_string().contains("/dev/dri"), "{error}");
        }
        let error = Device::vaapi("/dev/dri\0").err().unwrap();
        assert_eq!(*error.kind(), ErrorKind::InvalidSetting { name: "node".into() });
    });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("broken_drv_video.so"), "no library").unwrap();
    let missing =
        [("LIBVA_DRIVER_NAME", "broken".into()), ("LIBVA_DRIVERS_PATH", folder.path().as_os_str().to_owned())];
    on_vaapi_with("h33_what_is_missing_on_the_way_to_a_device_is_named", " driver", &missing, || {
        let error = Device::vaapi(NODE).err().unwrap();
        assert_eq!(*error.kind(), ErrorKind::DriverMissing, "{error}");
        assert!(error.to_string().contains("LIBVA_DRIVER_NAME"), "it says what to look at: {error}");
    });
}

/// An X server of this test's own, which goes with it.
struct Xvfb {
    server: Child,
    display: String,
}

impl Xvfb {
    /// None where it is not installed.
    fn start() -> Option<Xvfb> {
        let mut command = Command::new("Xvfb");
        // Without a reset when the last client goes, during which it takes no other.
        command.args(["-displayfd", "1", "-screen", "0", "320x240x24", "-nolisten", "tcp", "-noreset"]);
        let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().ok()?;
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.trim().is_empty(), "Xvfb did not start: {:?}", server.wait());
        Some(Xvfb { server, display: format!(":{}", line.trim()) })
    }
}
impl Drop for Xvfb {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

#[test]
fn a_device_is_found_by_its_x11_display() {
    const NAME: &str = "a_device_is_found_by_its_x11_display";
    // In the child the server is there already.
    let server = if std::env::var_os("DISPLAY_OF_THE_TEST").is_some() { None } else { Xvfb::start() };
    let display = match (&server, std::env::var("DISPLAY_OF_THE_TEST")) {
        (Some(server), _) => server.display.clone(),
        (None, Ok(display)) => display,
        (None, Err(_)) => {
            eprintln!("skipped: {NAME}: Xvfb is not installed");
            return;
        }
    };
    // The route without a shim: libva's own X11 code, told the driver's name.
    let variables = [
        ("DISPLAY_OF_THE_TEST", display.clone().into()),
        ("LD_PRELOAD", "".into()),
        ("DISPLAY", display.clone().into()),
    ];
    on_vaapi_with(NAME, "", &variables, || {
        let driver = simgpu::va::start().unwrap();
        for name in [Some(display.as_str()), None] {
            let device = Device::vaapi_x11(name).unwrap();
            assert!(device.name().unwrap().contains("SIMULATED"));
            let pool = FramePool::new(&device, NV12).unwrap();
            let frame = picture(NV12, 1).upload(&pool).unwrap();
            assert_eq!(md5(&frame.download().unwrap()), md5(&picture(NV12, 1)));
            drop((frame, pool));
            device.close().unwrap();
        }
        let ledger = driver.ledger();
        assert!(ledger.is_empty() && ledger.violations.is_empty(), "{ledger}");
    });
}

const PITCH: usize = 256;

/// A buffer with an NV12 picture in it, with room between the rows and the planes; a memfd stands for the compositor's.
fn buffer(number: usize, seals: c_int) -> DmaBuf {
    let host = picture(NV12, number);
    let chroma = PITCH * 100;
    let mut contents = vec![0xee_u8; chroma + PITCH * 48];
    for (plane, start) in [(0, 64), (1, chroma)] {
        for (row, line) in host.plane(plane).lines().enumerate() {
            contents[start + row * PITCH..][..line.len()].copy_from_slice(line);
        }
    }
    // SAFETY: a new descriptor, which is this function's; the other calls only take it.
    let fd = unsafe {
        let fd = libc::memfd_create(c"picture".as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING);
        assert!(fd >= 0);
        OwnedFd::from_raw_fd(fd)
    };
    std::io::Write::write_all(&mut File::from(fd.try_clone().unwrap()), &contents).unwrap();
    // SAFETY: as above.
    assert_eq!(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_ADD_SEALS, seals) }, 0);
    let plane = |offset: usize| drm::Plane { fd: fd.try_clone().unwrap(), offset: offset as u32, pitch: PITCH as u32 };
    DmaBuf {
        width: NV12.width,
        height: NV12.height,
        fourcc: drm::fourcc(b"NV12"),
        modifier: drm::LINEAR,
        planes: vec![plane(64), plane(chroma)],
    }
}

/// Descriptors of such buffers that are open in this process, whoever has them.
fn open_descriptors() -> usize {
    let names =
        std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    names.filter(|name| name.to_string_lossy().contains("memfd:picture")).count()
}

#[test]
fn a_dma_buf_becomes_a_surface_without_a_copy() {
    simulated_vaapi_leaking("a_dma_buf_becomes_a_surface_without_a_copy", leaked_by_encoders(), |driver| {
        let device = Device::vaapi(NODE).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let mut encoder = Encoder::new(&pool, CLOCK, vaapi::H264::new()).open().unwrap();
        assert_eq!(open_descriptors(), 0);
        let mut frame = pool.import(buffer(7, libc::F_SEAL_SHRINK)).unwrap();
        assert_eq!(frame.format(), NV12);
        assert!(open_descriptors() > 0, "the frame keeps the buffer");
        let bytes_so_far = driver.ledger().bytes;
        assert_eq!((bytes_so_far.host_to_device, bytes_so_far.device_to_host), (0, 0), "nothing was copied");
        assert_eq!(md5(&frame.download().unwrap()), md5(&picture(NV12, 7)));
        frame.set_pts(0);
        let held: Vec<_> = encoder.send(frame).unwrap().collect();
        drop(held);
        drop(encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap());
        if leaked_by_encoders().is_empty() {
            assert_eq!(open_descriptors(), 0, "and lets go of it");
        }
        let session = driver.ledger().sessions[0].clone();
        assert_eq!((session.pictures_in, session.packets_out), (1, 1));
    });
}

#[test]
fn a_buffer_that_is_drawn_into_while_it_is_encoded_is_seen() {
    on_vaapi_with("a_buffer_that_is_drawn_into_while_it_is_encoded_is_seen", "", &[], || {
        let driver = simgpu::va::start().unwrap();
        for (early, violations) in [(true, 1), (false, 0)] {
            driver.reset_counters();
            let device = Device::vaapi(NODE).unwrap();
            let pool = FramePool::new(&device, NV12).unwrap();
            let options = vaapi::H264::new().async_depth(8);
            let mut encoder = Encoder::new(&pool, CLOCK, options).max_b_frames(0).open().unwrap();
            let picture = buffer(1, libc::F_SEAL_SHRINK);
            let mut compositor = File::from(picture.planes[0].fd.try_clone().unwrap());
            let mut draw = || {
                std::io::Seek::seek(&mut compositor, std::io::SeekFrom::Start(64)).unwrap();
                std::io::Write::write_all(&mut compositor, &[7; 32]).unwrap();
            };
            let mut frame = pool.import(picture).unwrap();
            frame.set_pts(0);
            drop(encoder.send(frame).unwrap());
            if early {
                draw(); // h10, by somebody whom no type holds back
            }
            drop(encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap());
            draw();
            let seen = driver.ledger().violations;
            assert_eq!(
                seen.iter().filter(|line| line.contains("while it was being encoded")).count(),
                violations,
                "{seen:?}"
            );
        }
    });
}

#[test]
fn a_dma_buf_that_is_no_frame_of_the_pool_comes_back() {
    simulated_vaapi("a_dma_buf_that_is_no_frame_of_the_pool_comes_back", |driver| {
        let device = Device::vaapi(NODE).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        type Change = fn(&mut DmaBuf);
        let cases: [(Change, ErrorKind, &str); 6] = [
            (|picture| picture.width = 320, ErrorKind::WrongFormat, "320x96"),
            (|picture| picture.fourcc = drm::fourcc(b"XR24"), ErrorKind::WrongFormat, "XR24"),
            (|picture| drop(picture.planes.pop()), ErrorKind::WrongFormat, "2 planes"),
            (|picture| picture.planes[0].pitch = 100, ErrorKind::WrongFormat, "pitch 100"),
            (|picture| picture.planes[1].offset = 1 << 20, ErrorKind::WrongFormat, "does not fit"),
            (
                |picture| picture.planes[1].fd = buffer(0, libc::F_SEAL_SHRINK).planes.remove(0).fd,
                ErrorKind::Unsupported,
                "one buffer",
            ),
        ];
        for (change, kind, text) in cases {
            let mut wrong = buffer(0, libc::F_SEAL_SHRINK);
            change(&mut wrong);
            let (fourcc, planes) = (wrong.fourcc, wrong.planes.len());
            let (error, back) = pool.import(wrong).err().unwrap().into_parts();
            assert_eq!(*error.kind(), kind, "{error}");
            assert!(error.to_string().contains(text), "{error}");
            assert_eq!((back.fourcc, back.planes.len()), (fourcc, planes), "it comes back whole");
        }
        // A picture of several buffers that the driver itself refuses comes back too.
        driver.fail(simgpu::Fault { function: "vaCreateSurfaces2".into(), nth: 1, status: 2, sticky: true });
        let (error, back) = pool.import(buffer(0, libc::F_SEAL_SHRINK)).err().unwrap().into_parts();
        assert_eq!((error.kind(), back.planes.len()), (&ErrorKind::Unsupported, 2), "{error}");
        assert!(error.to_string().contains("the driver refused to import"), "{error}");
        driver.clear_faults();
        drop(pool.import(back).unwrap());
        drop(pool);
        device.close().unwrap();
    });
}

#[test]
fn a_dma_buf_is_copied_into_host_memory() {
    let pool = FramePool::new(System, NV12).unwrap();
    let frame = pool.copy(&buffer(9, libc::F_SEAL_SHRINK)).unwrap();
    assert_eq!(md5(&frame), md5(&picture(NV12, 9)));
    assert_eq!(open_descriptors(), 0);
    // What another process could take away during the copy is not read at all.
    let error = pool.copy(&buffer(9, 0)).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("F_SEAL_SHRINK"), "{error}");
    let mut tiled = buffer(9, libc::F_SEAL_SHRINK);
    tiled.modifier = drm::UNKNOWN;
    let error = pool.copy(&tiled).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("import"), "it says what to do: {error}");
    let small = FramePool::new(System, Format { width: 64, height: 64, pixels: PixelFormat::Nv12 }).unwrap();
    assert_eq!(*small.copy(&buffer(9, libc::F_SEAL_SHRINK)).unwrap_err().kind(), ErrorKind::WrongFormat);
    let _: Frame<'static, System> = frame;
}
