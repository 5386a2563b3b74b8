//! Devices, on the SIMULATED NVIDIA driver: making, sharing, adopting, closing, and what is missing.

mod support;

use avsluice::{AnyFrame, Cuda, Decoder, Device, Encoder, ErrorKind, FramePool, Limit, Outcome, System, cuda, nvenc};
use libloading::{Library, Symbol};
use std::{
    ffi::c_void,
    sync::{Arc, Mutex, mpsc},
    thread,
};
use support::{CLOCK, NV12, isolated, open, picture, simulated};

type Handle = *mut c_void;

/// The application's own CUDA: the driver's functions, called by hand.
struct Driver(Library);

impl Driver {
    fn open() -> Self {
        // SAFETY: the simulated driver is loaded already, and has no initialisers that matter.
        Driver(unsafe { Library::new("libcuda.so.1") }.unwrap())
    }
    fn function<T>(&self, name: &str) -> Symbol<'_, T> {
        // SAFETY: each caller names a function of cuda.h with its signature.
        unsafe { self.0.get(name.as_bytes()) }.unwrap()
    }
    fn create_context(&self) -> Handle {
        let init: Symbol<unsafe extern "C" fn(u32) -> i32> = self.function("cuInit");
        let create: Symbol<unsafe extern "C" fn(*mut Handle, u32, i32) -> i32> = self.function("cuCtxCreate_v2");
        let pop: Symbol<unsafe extern "C" fn(*mut Handle) -> i32> = self.function("cuCtxPopCurrent_v2");
        let (mut context, mut popped) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: the driver writes to the variables whose addresses it is given.
        unsafe {
            assert_eq!(init(0), 0);
            assert_eq!(create(&mut context, 0, 0), 0);
            assert_eq!(pop(&mut popped), 0);
        }
        context
    }
    fn destroy_context(&self, context: Handle) {
        let destroy: Symbol<unsafe extern "C" fn(Handle) -> i32> = self.function("cuCtxDestroy_v2");
        // SAFETY: a live context.
        assert_eq!(unsafe { destroy(context) }, 0);
    }
}

/// Owns a context as an application's renderer would, and says when it goes.
struct Renderer {
    context: usize,
    gone: mpsc::Sender<()>,
    // `Sender` is what makes it Sync.
    _lock: Mutex<()>,
}
impl Drop for Renderer {
    fn drop(&mut self) {
        Driver::open().destroy_context(self.context as Handle);
        self.gone.send(()).unwrap();
    }
}

#[test]
fn h33_a_missing_driver_is_named_and_nothing_panics() {
    isolated("h33_a_missing_driver_is_named_and_nothing_panics", || {
        // SAFETY: the driver's initialisers are what any CUDA program runs.
        if unsafe { Library::new("libcuda.so.1") }.is_ok() {
            println!("this machine has an NVIDIA driver: nothing is missing");
            return;
        }
        let error = Device::cuda(0).err().unwrap();
        assert_eq!(*error.kind(), ErrorKind::DriverMissing);
        assert!(error.to_string().contains("libcuda.so.1") && error.to_string().contains("install"), "{error}");
        let pool = FramePool::new(System, NV12).unwrap();
        let error = Encoder::new(&pool, CLOCK, nvenc::H264::new()).open().err().unwrap().into_error();
        assert_eq!(*error.kind(), ErrorKind::DriverMissing, "{error}");
        assert!(error.to_string().contains("libcuda.so.1") && error.to_string().contains("install"), "{error}");
    });
}

#[test]
fn a_device_that_is_not_there_is_no_device() {
    simulated("a_device_that_is_not_there_is_no_device", |driver| {
        assert_eq!(*Device::cuda(7).unwrap_err().kind(), ErrorKind::NoDevice);
        driver.configure(simgpu::Config { devices: 0, ..Default::default() });
        assert_eq!(*Device::cuda(0).unwrap_err().kind(), ErrorKind::NoDevice);
    });
}

#[test]
fn close_says_what_is_left() {
    isolated("close_says_what_is_left", || {
        let driver = simgpu::start().unwrap();
        let device = Device::cuda(0).unwrap();
        assert!(device.name().unwrap().contains("SIMULATED"));
        std::mem::forget(FramePool::new(&device, NV12).unwrap().frame().unwrap()); // legal, and a leak
        let failed = device.close().unwrap_err();
        assert!(matches!(failed.kind(), ErrorKind::InUse { references } if *references > 0), "{failed}");
        let device = failed.into_value();
        assert!(device.references() > 0);
        drop(device);
        let ledger = driver.ledger();
        assert!(!ledger.is_empty(), "the forgotten frame keeps its device");
        assert!(ledger.violations.is_empty(), "a leak, and nothing worse: {:?}", ledger.violations);
    });
}

#[test]
fn a_shared_device_lives_as_long_as_what_is_built_on_it() {
    simulated("a_shared_device_lives_as_long_as_what_is_built_on_it", |driver| {
        let device = Arc::new(Device::cuda(0).unwrap());
        let pool = FramePool::new(&device, NV12).unwrap();
        let mut encoder: Encoder<'static, Cuda> = Encoder::new(&pool, CLOCK, nvenc::H264::new()).open().unwrap();
        drop(device);
        let report = thread::spawn(move || {
            for number in 0..4 {
                for packet in encoder.send(picture(NV12, number).upload(&pool).unwrap()).unwrap() {
                    drop(packet.unwrap());
                }
            }
            encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap().free()
        });
        assert_eq!(report.join().unwrap().received, 4);
        assert!(driver.ledger().is_empty(), "the last of them took the device along");
    });
}

#[test]
fn h31_an_applications_context_goes_after_all_that_was_built_on_it() {
    simulated("h31_an_applications_context_goes_after_all_that_was_built_on_it", |_| {
        let context = Driver::open().create_context();
        let (gone, wait) = mpsc::channel();
        let renderer = Renderer { context: context as usize, gone, _lock: Mutex::new(()) };
        // SAFETY: the renderer destroys the context when it is dropped, and nobody else does.
        let device = unsafe { Device::from_cuda_context(cuda::Context(context), renderer) }.unwrap();
        assert_eq!(device.context(), cuda::Context(context));
        let device = Arc::new(device);
        let pool = FramePool::new(&device, NV12).unwrap();
        let mut encoder = Encoder::new(&pool, CLOCK, nvenc::H264::new()).open().unwrap();
        drop(device);
        drop(encoder.send(picture(NV12, 0).upload(&pool).unwrap()).unwrap());
        drop(pool);
        assert!(wait.try_recv().is_err(), "the encoder still needs the context");
        drop(encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap());
        wait.try_recv().expect("the owner goes with the last reference");
        // SAFETY: null is refused before anything is done with it.
        let null = unsafe { Device::from_cuda_context(cuda::Context(std::ptr::null_mut()), ()) };
        assert_eq!(*null.unwrap_err().kind(), ErrorKind::InvalidSetting { name: "context".into() });
    });
}

#[test]
fn h19_a_primary_context_with_other_flags_is_no_obstacle() {
    simulated("h19_a_primary_context_with_other_flags_is_no_obstacle", |_| {
        let driver = Driver::open();
        let init: Symbol<unsafe extern "C" fn(u32) -> i32> = driver.function("cuInit");
        let flags: Symbol<unsafe extern "C" fn(i32, u32) -> i32> = driver.function("cuDevicePrimaryCtxSetFlags");
        let retain: Symbol<unsafe extern "C" fn(*mut Handle, i32) -> i32> = driver.function("cuDevicePrimaryCtxRetain");
        let release: Symbol<unsafe extern "C" fn(i32) -> i32> = driver.function("cuDevicePrimaryCtxRelease");
        let mut context = std::ptr::null_mut();
        // SAFETY: the driver writes to the variable whose address it is given.
        unsafe {
            // Another CUDA library of the process made it active first: CU_CTX_SCHED_SPIN, where FFmpeg wants BLOCKING_SYNC.
            assert_eq!((init(0), flags(0, 1), retain(&mut context, 0)), (0, 0, 0));
        }
        let device = Device::cuda(0).unwrap();
        assert_eq!(device.context(), cuda::Context(context), "the same context, whatever its flags");
        device.close().unwrap();
        let own = Device::cuda_with_own_context(0).unwrap();
        assert_ne!(own.context(), cuda::Context(context));
        own.close().unwrap();
        // SAFETY: retained above.
        assert_eq!(unsafe { release(0) }, 0);
    });
}

#[test]
fn h18_codecs_on_one_device_make_no_context_of_their_own() {
    simulated("h18_codecs_on_one_device_make_no_context_of_their_own", |driver| {
        let device = Device::cuda(0).unwrap();
        let contexts = |ledger: simgpu::Ledger| {
            let made = |name: &str| ledger.calls.get(name).map_or(0, |calls| calls.total);
            made("cuCtxCreate_v2") + made("cuDevicePrimaryCtxRetain")
        };
        let before = contexts(driver.ledger());
        let (_, video) = open(media::standard().path).unwrap();
        for _ in 0..100 {
            let pool = FramePool::new(&device, NV12).unwrap();
            let mut encoder = Encoder::new(&pool, CLOCK, nvenc::H264::new()).open().unwrap();
            drop(encoder.send(picture(NV12, 0).upload(&pool).unwrap()).unwrap());
            drop(encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap());
            drop(Decoder::new(&device, &video).open().unwrap());
        }
        assert_eq!(contexts(driver.ledger()), before);
        assert_eq!(device.references(), 0);
        device.close().unwrap();
    });
}

#[test]
fn h55_codecs_are_opened_from_many_threads() {
    simulated("h55_codecs_are_opened_from_many_threads", |driver| {
        driver.configure(simgpu::Config { max_sessions: 16, ..Default::default() });
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let own = Device::cuda_with_own_context(0).unwrap();
                    let encoder = Encoder::new(&pool, CLOCK, nvenc::H264::new()).open().unwrap();
                    let report = encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap().free();
                    assert!(matches!(report.outcome, Outcome::Drained));
                    own.close().unwrap();
                });
            }
        });
        drop(pool);
        device.close().unwrap();
        assert_eq!(driver.ledger().sessions.len(), 8);
    });
}

#[test]
fn frames_of_another_device_come_back() {
    simulated("frames_of_another_device_come_back", |_| {
        let (a, b) = (Device::cuda(0).unwrap(), Device::cuda_with_own_context(0).unwrap());
        // SAFETY: `a` keeps its context, and outlives `twin`.
        let twin = unsafe { Device::from_cuda_context(a.context(), ()) }.unwrap();
        let (pool_a, pool_b) = (FramePool::new(&a, NV12).unwrap(), FramePool::new(&b, NV12).unwrap());
        let mut encoder = Encoder::new(&pool_a, CLOCK, nvenc::H264::new()).open().unwrap();
        let failed = encoder.send(picture(NV12, 0).upload(&pool_b).unwrap()).unwrap_err();
        assert_eq!(*failed.kind(), ErrorKind::WrongDevice);
        assert!(!failed.error().is_fatal());
        drop(failed);
        drop(encoder.send(picture(NV12, 0).upload(&pool_a).unwrap()).unwrap());
        // The same context adopted twice is the same device.
        let pool = FramePool::new(&twin, NV12).unwrap();
        drop(encoder.send(picture(NV12, 1).upload(&pool).unwrap()).unwrap());
        drop(encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap());
    });
}

#[test]
fn any_memory_is_checked_when_it_is_sent() {
    simulated("any_memory_is_checked_when_it_is_sent", |_| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let mut encoder = Encoder::new(&pool, CLOCK, nvenc::H264::new()).open().unwrap().erase();
        let failed = encoder.send(picture(NV12, 0).erase()).unwrap_err();
        assert_eq!(*failed.kind(), ErrorKind::WrongFormat, "{failed}");
        assert!(matches!(failed.into_value().into_kind(), AnyFrame::System(_)));
        let frame = picture(NV12, 0).upload(&pool).unwrap().erase();
        drop(encoder.send(frame).unwrap());
        drop(encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap());
        drop(pool);
        device.close().unwrap();
    });
}

/// Opens something when it goes, as an application's owner may.
struct Opens(mpsc::Sender<()>);
impl Drop for Opens {
    fn drop(&mut self) {
        let pool = FramePool::new(System, NV12).unwrap();
        drop(Encoder::new(&pool, CLOCK, avsluice::Named::new("mpeg2video")).open());
        self.0.send(()).unwrap();
    }
}

#[test]
fn an_owner_that_opens_something_when_its_device_fails_does_not_hang() {
    isolated("an_owner_that_opens_something_when_its_device_fails_does_not_hang", || {
        let (gone, wait) = mpsc::channel();
        // SAFETY: without a driver the context is not looked at; with one, nothing is done on the device.
        let device = unsafe { Device::from_cuda_context(cuda::Context(std::ptr::dangling_mut()), Opens(gone)) };
        drop(device);
        wait.recv().expect("the owner was dropped");
    });
}

#[test]
fn h19_a_primary_context_that_nobody_uses_gets_ffmpegs_flags() {
    simulated("h19_a_primary_context_that_nobody_uses_gets_ffmpegs_flags", |_| {
        let device = Device::cuda(0).unwrap();
        let driver = Driver::open();
        let state: Symbol<unsafe extern "C" fn(i32, *mut u32, *mut i32) -> i32> =
            driver.function("cuDevicePrimaryCtxGetState");
        let (mut flags, mut active) = (0, 0);
        // SAFETY: the driver writes to the variables whose addresses it is given.
        assert_eq!(unsafe { state(0, &mut flags, &mut active) }, 0);
        assert_eq!((flags, active), (4, 1), "CU_CTX_SCHED_BLOCKING_SYNC: FFmpeg's own code refuses others");
        device.close().unwrap();
    });
}

#[test]
fn h54_a_devices_stream_is_the_one_that_it_was_made_with() {
    simulated("h54_a_devices_stream_is_the_one_that_it_was_made_with", |_| {
        let driver = Driver::open();
        let context = driver.create_context();
        let create: Symbol<unsafe extern "C" fn(*mut Handle, u32) -> i32> = driver.function("cuStreamCreate");
        let destroy: Symbol<unsafe extern "C" fn(Handle) -> i32> = driver.function("cuStreamDestroy_v2");
        let push: Symbol<unsafe extern "C" fn(Handle) -> i32> = driver.function("cuCtxPushCurrent_v2");
        let pop: Symbol<unsafe extern "C" fn(*mut Handle) -> i32> = driver.function("cuCtxPopCurrent_v2");
        let (mut stream, mut popped) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: the context is live; the driver writes to the variables whose addresses it is given.
        unsafe { assert_eq!((push(context), create(&mut stream, 0), pop(&mut popped)), (0, 0, 0)) };
        // SAFETY: both are destroyed at the end, after the device.
        let device = unsafe { Device::from_cuda_stream(cuda::Context(context), cuda::Stream(stream), ()) }.unwrap();
        assert_eq!(device.stream(), cuda::Stream(stream));
        device.synchronize().unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        assert_eq!(
            support::bytes(&picture(NV12, 3).upload(&pool).unwrap().download().unwrap()),
            support::bytes(&picture(NV12, 3))
        );
        drop(pool);
        device.close().unwrap();
        // SAFETY: made above, and nothing uses it any more.
        assert_eq!(unsafe { destroy(stream) }, 0);
        driver.destroy_context(context);
    });
}

/// Panics when it is dropped.
struct Clumsy;
impl Drop for Clumsy {
    fn drop(&mut self) {
        panic!("an owner of the application's");
    }
}
// SAFETY: two planes of nothing, in a test that never reads them.
unsafe impl cuda::Picture for Clumsy {
    fn planes(&self) -> &[(cuda::Pointer, usize)] {
        &[(4096, 256), (4096 + 256 * 96, 256)]
    }
}

#[test]
fn h38_a_panic_in_an_owners_drop_stays_out_of_ffmpeg() {
    simulated("h38_a_panic_in_an_owners_drop_stays_out_of_ffmpeg", |_| {
        let driver = Driver::open();
        let context = driver.create_context();
        // SAFETY: the context is destroyed at the end.
        let device = unsafe { Device::from_cuda_context(cuda::Context(context), Clumsy) }.unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        drop(pool.import(Clumsy).unwrap());
        drop(pool);
        device.close().unwrap();
        driver.destroy_context(context);
    });
}

#[test]
fn an_encoder_fed_from_host_memory_works_on_the_device_that_it_is_given() {
    simulated("an_encoder_fed_from_host_memory_works_on_the_device_that_it_is_given", |driver| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(System, NV12).unwrap();
        let encoder = Encoder::new(&pool, CLOCK, nvenc::H264::new()).on(&device).open().unwrap();
        assert!(device.references() > 0);
        let made = driver.ledger().calls.get("cuCtxCreate_v2").map_or(0, |calls| calls.total);
        assert_eq!(made, 0, "FFmpeg made a context of its own");
        drop(encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap());
        device.close().unwrap();
    });
}
