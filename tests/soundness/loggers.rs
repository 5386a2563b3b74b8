//! Loggers that panic, with payloads that panic when they are dropped, that open codecs, and that wait.

use crate::{
    Bomb, descriptors,
    support::{YUV420P, isolated, open, simulated},
};
use avsluice::{Demuxer, Device, Encoder, FramePool, Muxer, Named, System, TimeBase, mpeg4};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A logger of the test's making: each process has one.
struct Logger(Box<dyn Fn(&log::Record<'_>) + Send + Sync>);

static LOGGED: AtomicUsize = AtomicUsize::new(0);
/// What the logger does when it is asked whether it reads a line.
static ASKED: OnceLock<fn()> = OnceLock::new();

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        ASKED.get().into_iter().for_each(|ask| ask());
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        LOGGED.fetch_add(1, Ordering::Relaxed);
        (self.0)(record);
    }
    fn flush(&self) {}
}

fn log_to(level: log::LevelFilter, log: impl Fn(&log::Record<'_>) + Send + Sync + 'static) {
    static LOGGER: OnceLock<Logger> = OnceLock::new();
    log::set_logger(LOGGER.get_or_init(|| Logger(Box::new(log)))).unwrap();
    log::set_max_level(level);
}

fn logged() -> usize {
    LOGGED.load(Ordering::Relaxed)
}

/// mpeg4's warning: its clock is too fine for it.
fn open_with_a_warning() -> Result<(), String> {
    let pool = FramePool::new(System, YUV420P).unwrap();
    let clock = TimeBase { num: 1, den: 1_000_000 };
    let opened = Encoder::new(&pool, clock, mpeg4::Mpeg4::new()).frame_rate(25, 1).open();
    opened.map(drop).map_err(|failed| failed.to_string())
}

#[test]
fn h67_a_logger_may_open_codecs() {
    isolated("loggers::h67_a_logger_may_open_codecs", || {
        static OPENED: AtomicUsize = AtomicUsize::new(0);
        log_to(log::LevelFilter::Warn, |_| {
            let pool = FramePool::new(System, YUV420P).unwrap();
            drop(Encoder::new(&pool, TimeBase::hz(25), mpeg4::Mpeg4::new()).open().unwrap());
            // And what it logs itself does not come back to it.
            open_with_a_warning().unwrap_err();
            OPENED.fetch_add(1, Ordering::Relaxed);
        });
        let error = open_with_a_warning().unwrap_err();
        assert!(error.contains("mpeg4"), "{error}");
        assert!(OPENED.load(Ordering::Relaxed) > 0, "nothing was logged");
    });
}

/// The logger waits for a thread that opens a codec: with the lock around the opening held, neither would ever go on.
#[test]
fn h67_a_logger_may_wait_for_another_thread() {
    isolated("loggers::h67_a_logger_may_wait_for_another_thread", || {
        log_to(log::LevelFilter::Warn, |_| {
            let other = std::thread::spawn(|| {
                let pool = FramePool::new(System, YUV420P).unwrap();
                Encoder::new(&pool, TimeBase::hz(25), mpeg4::Mpeg4::new()).open().map(drop).is_ok()
            });
            assert!(other.join().unwrap());
        });
        open_with_a_warning().unwrap_err();
        assert!(logged() > 0, "nothing was logged");
    });
}

/// The same where it is only asked whether it reads a line: libx264 has such lines, below warnings, for its opening.
#[test]
fn h67_a_loggers_enabled_may_wait_for_another_thread() {
    isolated("loggers::h67_a_loggers_enabled_may_wait_for_another_thread", || {
        let open = |name: &str| {
            let pool = FramePool::new(System, YUV420P).unwrap();
            Encoder::new(&pool, TimeBase::hz(25), Named::new(name))
                .open()
                .map(drop)
                .map_err(|failed| failed.to_string())
        };
        log_to(log::LevelFilter::Info, |_| {});
        open("libx264").unwrap();
        assert!(logged() > 0, "nothing was logged");
        let ask = || {
            let other = std::thread::spawn(|| {
                let pool = FramePool::new(System, YUV420P).unwrap();
                Encoder::new(&pool, TimeBase::hz(25), mpeg4::Mpeg4::new()).open().map(drop).is_ok()
            });
            assert!(other.join().unwrap());
        };
        ASKED.set(ask).unwrap();
        let before = logged();
        open("libx264").unwrap();
        assert!(logged() > before, "nothing was logged");
    });
}

/// A pool's frame is made under FFmpeg's lock of the pool, and its failure logged there.
#[test]
fn h67_a_logger_may_take_frames_of_the_pool_that_failed() {
    simulated("loggers::h67_a_logger_may_take_frames_of_the_pool_that_failed", |driver| {
        type Pool = FramePool<'static, avsluice::Cuda>;
        static POOL: Mutex<Option<Pool>> = Mutex::new(None);
        let device = std::sync::Arc::new(Device::cuda(0).unwrap());
        let format = avsluice::Format { pixels: avsluice::PixelFormat::Nv12, ..YUV420P };
        let pool = FramePool::new(&device, format).unwrap();
        *POOL.lock().unwrap() = Some(pool.clone());
        log_to(log::LevelFilter::Error, |_| {
            let pool = POOL.lock().unwrap().clone();
            drop(pool.map(|pool| pool.frame().map(drop)));
        });
        driver.fail(simgpu::Fault { function: "cuMemAlloc*".into(), nth: 1, status: 2, sticky: true });
        assert!(pool.frame().is_err());
        assert!(logged() > 0, "nothing was logged");
        driver.clear_faults();
        POOL.lock().unwrap().take();
    });
}

#[test]
fn h68_a_logger_may_panic_with_a_payload_that_panics_when_it_is_dropped() {
    isolated("loggers::h68_a_logger_may_panic_with_a_payload_that_panics_when_it_is_dropped", || {
        std::panic::set_hook(Box::new(|_| {}));
        log_to(log::LevelFilter::Trace, |_| std::panic::panic_any(Bomb));
        assert!(Demuxer::from_read(&[0u8; 5000][..]).is_err());
        assert!(open_with_a_warning().unwrap_err().contains("mpeg4"));
        let (mut input, video) = open(media::standard().path).unwrap();
        assert_eq!(input.packets(&video).count(), 250);
        assert!(logged() > 0, "nothing was logged");
    });
}

/// In FFmpeg's free callback, where a driver that refuses to give the context up is logged.
#[test]
fn h68_a_logger_may_panic_while_a_device_is_freed() {
    isolated("loggers::h68_a_logger_may_panic_while_a_device_is_freed", || {
        let driver = simgpu::start().unwrap();
        let device = Device::cuda(0).unwrap();
        log_to(log::LevelFilter::Error, |record| panic!("the logger: {}", record.args()));
        driver.fail(simgpu::Fault { function: "cuDevicePrimaryCtxRelease*".into(), nth: 1, status: 999, sticky: true });
        drop(device);
        assert!(logged() > 0, "nothing was logged");
    });
}

#[test]
fn h68_a_logger_that_panics_in_a_drop_keeps_no_file_open() {
    isolated("loggers::h68_a_logger_that_panics_in_a_drop_keeps_no_file_open", || {
        std::panic::set_hook(Box::new(|_| {}));
        let dir = tempfile::tempdir().unwrap();
        let (_input, video) = open(media::standard().path).unwrap();
        log_to(log::LevelFilter::Error, |record| panic!("the logger: {}", record.args()));
        let before = descriptors();
        for number in 0..5 {
            let mut output = Muxer::create(dir.path().join(format!("{number}.mkv"))).unwrap();
            output.add_copy(&video).unwrap();
            let output = output.open().unwrap();
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(output)));
            assert!(dropped.is_ok(), "what a logger panics with is its own");
        }
        assert_eq!(descriptors(), before);
        assert_eq!(logged(), 5);
    });
}
