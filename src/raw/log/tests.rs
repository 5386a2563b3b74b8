//! Lines are written with `av_log` itself, so that they pass through FFmpeg and the shim.

use super::*;
use std::sync::Once;
use std::{ptr, thread};

/// Takes what is logged on a thread that has called `listen`, and nothing else: tests run side by side.
struct TestLogger;

thread_local! {
    static LISTENS: Cell<bool> = const { Cell::new(false) };
    static HEARD: RefCell<Vec<(log::Level, String)>> = const { RefCell::new(Vec::new()) };
}

impl log::Log for TestLogger {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        // Else what it calls here could log, and ask it again.
        assert!(guard::is_logging(), "it is asked with no mark that it runs");
        LISTENS.get() && metadata.target() == TARGET
    }
    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let text = record.args().to_string();
            assert!(!text.contains("the logger panics"), "as it was asked to");
            HEARD.with_borrow_mut(|heard| heard.push((record.level(), text)));
        }
    }
    fn flush(&self) {}
}

fn listen() {
    static LOGGER: Once = Once::new();
    LOGGER.call_once(|| {
        log::set_logger(&TestLogger).expect("no other logger in the unit tests");
        log::set_max_level(log::LevelFilter::Trace);
    });
    LISTENS.set(true);
}

fn heard() -> Vec<(log::Level, String)> {
    HEARD.take()
}

fn log_as(object: *mut std::ffi::c_void, level: c_int, text: &CStr) {
    install();
    // SAFETY: the object is null or begins with an AVClass pointer, as av_log asks; %s is given its string.
    unsafe { ffi::av_log(object, level, c"%s\n".as_ptr(), text.as_ptr()) };
}

fn log_line(level: c_int, text: &CStr) {
    log_as(ptr::null_mut(), level, text);
}

fn texts(capture: &Capture) -> Vec<String> {
    capture.lines().into_iter().map(|line| line.text).collect()
}

#[test]
fn warnings_and_errors_are_captured_and_info_is_not() {
    let capture = Capture::start();
    log_line(ffi::AV_LOG_ERROR, c"an error");
    log_line(ffi::AV_LOG_WARNING, c"a warning");
    log_line(ffi::AV_LOG_INFO, c"an info");
    let line = |level, text: &str| Line { level, class: String::new(), text: text.to_owned() };
    assert_eq!(capture.lines(), [line(log::Level::Error, "an error"), line(log::Level::Warn, "a warning")]);
}

#[test]
fn a_line_names_the_codec_or_the_class() {
    let capture = Capture::start();
    // SAFETY: the codec is a static of libavcodec's, the context is freed below and used only in between; av_log reads its AVClass.
    unsafe {
        let codec = ffi::avcodec_find_decoder(ffi::AV_CODEC_ID_RAWVIDEO);
        let mut named = ffi::avcodec_alloc_context3(codec);
        let mut nameless = ffi::avcodec_alloc_context3(ptr::null());
        assert!(!codec.is_null() && !named.is_null() && !nameless.is_null());
        log_as(named.cast(), ffi::AV_LOG_ERROR, c"one");
        log_as(nameless.cast(), ffi::AV_LOG_ERROR, c"two");
        ffi::avcodec_free_context(&mut named);
        ffi::avcodec_free_context(&mut nameless);
    }
    let shown: Vec<_> = capture.lines().iter().map(Line::to_string).collect();
    assert_eq!(shown, ["rawvideo: one", "AVCodecContext: two"]);
}

#[test]
fn a_hardware_context_goes_by_its_class_on_every_version() {
    let capture = Capture::start();
    // SAFETY: the context is freed below and used only in between; av_log reads the AVClass that its data begins with.
    unsafe {
        let mut device = ffi::av_hwdevice_ctx_alloc(ffi::AV_HWDEVICE_TYPE_CUDA);
        assert!(!device.is_null(), "Debian's FFmpeg is built with CUDA");
        log_as((*device).data.cast(), ffi::AV_LOG_ERROR, c"one");
        ffi::av_buffer_unref(&mut device);
    }
    assert_eq!(capture.lines()[0].to_string(), "AVHWDeviceContext: one");
}

#[test]
fn a_line_in_pieces_is_one_line() {
    let capture = Capture::start();
    install();
    for piece in [c"it failed", c" -> ERROR: why", c"\n", c"another\n", c"\n", c"a third"] {
        // SAFETY: a message of no object; %s is given its string.
        unsafe { ffi::av_log(ptr::null_mut(), ffi::AV_LOG_ERROR, c"%s".as_ptr(), piece.as_ptr()) };
    }
    assert_eq!(texts(&capture), ["it failed -> ERROR: why", "another", "a third"]);
}

#[test]
fn captures_nest_and_end() {
    let outer = Capture::start();
    log_line(ffi::AV_LOG_ERROR, c"before");
    {
        let inner = Capture::start();
        log_line(ffi::AV_LOG_ERROR, c"inside");
        assert_eq!(texts(&inner), ["inside"]);
    }
    log_line(ffi::AV_LOG_ERROR, c"after");
    assert_eq!(texts(&outer), ["before", "inside", "after"]);
    drop(outer);
    log_line(ffi::AV_LOG_ERROR, c"to nobody");
    assert!(Capture::start().lines().is_empty());
    LINES.with_borrow(|lines| assert!(lines.is_empty()));
}

#[test]
fn captures_dropped_in_another_order_stay_consistent() {
    let outer = Capture::start();
    log_line(ffi::AV_LOG_ERROR, c"one");
    let inner = Capture::start();
    log_line(ffi::AV_LOG_ERROR, c"two");
    drop(outer);
    assert_eq!(texts(&inner), ["two"]);
    drop(inner);
    assert!(Capture::start().lines().is_empty());
}

#[test]
fn a_capture_is_bounded_and_so_is_one_around_many() {
    let outer = Capture::start();
    for _ in 0..3 {
        let inner = Capture::start();
        (0..KEPT + 10).for_each(|_| log_line(ffi::AV_LOG_ERROR, c"again"));
        assert_eq!(inner.lines().len(), KEPT, "an inner capture has room of its own");
    }
    assert_eq!(outer.lines().len(), KEPT);
}

#[test]
fn another_threads_lines_are_not_captured() {
    let capture = Capture::start();
    thread::spawn(|| log_line(ffi::AV_LOG_ERROR, c"elsewhere")).join().expect("the thread ends");
    assert!(capture.lines().is_empty());
}

#[test]
fn a_capture_without_a_line_allocates_nothing() {
    // A thread of its own, whose vector nobody has used before.
    let capacity = thread::spawn(|| {
        for _ in 0..100 {
            let capture = Capture::start();
            log_line(ffi::AV_LOG_INFO, c"below what is kept");
            assert_eq!(capture.lines().capacity(), 0);
        }
        LINES.with_borrow(Vec::capacity)
    });
    assert_eq!(capacity.join().expect("the thread ends"), 0);
}

#[test]
fn nothing_is_formatted_for_nobody() {
    assert_eq!(avsluice_log_wanted(ffi::AV_LOG_ERROR), 0);
    let capture = Capture::start();
    assert_eq!(avsluice_log_wanted(ffi::AV_LOG_ERROR), 1);
    assert_eq!(avsluice_log_wanted(ffi::AV_LOG_WARNING), 1);
    drop(capture);
    assert_eq!(avsluice_log_wanted(ffi::AV_LOG_WARNING), 0);
    listen();
    assert_eq!(avsluice_log_wanted(ffi::AV_LOG_TRACE), 1);
}

#[test]
fn the_facade_gets_each_level() {
    listen();
    let levels = [
        (ffi::AV_LOG_QUIET, log::Level::Error),
        (ffi::AV_LOG_PANIC, log::Level::Error),
        (ffi::AV_LOG_FATAL, log::Level::Error),
        (ffi::AV_LOG_ERROR, log::Level::Error),
        (ffi::AV_LOG_WARNING, log::Level::Warn),
        (ffi::AV_LOG_INFO, log::Level::Info),
        (ffi::AV_LOG_VERBOSE, log::Level::Debug),
        (ffi::AV_LOG_DEBUG, log::Level::Trace),
        (ffi::AV_LOG_TRACE, log::Level::Trace),
    ];
    for (level, expected) in levels {
        log_line(level, c"text");
        assert_eq!(heard(), [(expected, "text".to_owned())], "FFmpeg's level {level}");
    }
}

#[test]
fn a_colour_in_the_level_is_not_part_of_it() {
    let capture = Capture::start();
    // AV_LOG_C(134), as FFmpeg's filters use it.
    log_line(ffi::AV_LOG_ERROR | 134 << 8, c"coloured");
    assert_eq!(texts(&capture), ["coloured"]);
}

#[test]
fn a_panicking_logger_does_not_unwind_into_ffmpeg() {
    listen();
    let capture = Capture::start();
    log_line(ffi::AV_LOG_ERROR, c"the logger panics");
    log_line(ffi::AV_LOG_ERROR, c"and goes on");
    assert_eq!(texts(&capture), ["the logger panics", "and goes on"]);
    drop(capture);
    assert_eq!(heard(), [(log::Level::Error, "and goes on".to_owned())]);
}

#[test]
fn h67_the_logger_gets_a_calls_lines_when_it_is_over() {
    listen();
    let outer = Capture::start();
    log_line(ffi::AV_LOG_ERROR, c"one");
    {
        let _inner = Capture::start();
        log_line(ffi::AV_LOG_DEBUG, c"two");
    }
    assert_eq!(heard(), [], "a call is under way");
    log_line(ffi::AV_LOG_PANIC, c"FFmpeg aborts behind this");
    assert_eq!(heard(), [(log::Level::Error, "FFmpeg aborts behind this".to_owned())]);
    drop(outer);
    let lines = [(log::Level::Error, "one".to_owned()), (log::Level::Trace, "two".to_owned())];
    assert_eq!(heard(), lines);
    log_line(ffi::AV_LOG_INFO, c"outside of any call");
    assert_eq!(heard().len(), 1);
}

#[test]
fn control_characters_and_bad_utf8_are_replaced() {
    let capture = Capture::start();
    log_line(ffi::AV_LOG_ERROR, c"a\x1b[31mred\ttab\nline\xff");
    log_line(ffi::AV_LOG_ERROR, c"");
    assert_eq!(texts(&capture), ["a?[31mred tab line\u{fffd}"], "and an empty message is none");
}

#[test]
fn a_long_message_is_cut() {
    let long = std::ffi::CString::new("x".repeat(5000)).expect("no NUL inside");
    let capture = Capture::start();
    log_line(ffi::AV_LOG_ERROR, &long);
    let texts = texts(&capture);
    assert!(texts.len() == 1 && (1000..1024).contains(&texts[0].len()), "{} bytes", texts[0].len());
}

/// The callback is the process's: what this does to it must not meet the other tests. [`in_child`] runs it.
#[test]
fn child() {
    let Ok(mode) = std::env::var("AVSLUICE_LOG_CHILD") else {
        return;
    };
    let capture = Capture::start();
    let captured = || texts(&capture).len();
    match mode.as_str() {
        "forwarded" => {
            log_line(ffi::AV_LOG_ERROR, c"a line of FFmpeg's");
            assert_eq!(captured(), 1);
        }
        "left alone" => {
            forward(false);
            log_line(ffi::AV_LOG_ERROR, c"a line of FFmpeg's");
            assert_eq!(captured(), 0);
        }
        "changed twice" => {
            log_line(ffi::AV_LOG_ERROR, c"captured");
            forward(false);
            log_line(ffi::AV_LOG_ERROR, c"a line of FFmpeg's");
            forward(true);
            log_line(ffi::AV_LOG_ERROR, c"captured");
            assert_eq!(captured(), 2);
        }
        other => panic!("there is no mode {other}"),
    }
}

/// What the child wrote to its stderr.
fn in_child(mode: &str) -> String {
    let test = concat!(module_path!(), "::child").split_once("::").expect("crate and module").1;
    let mut command = std::process::Command::new(std::env::current_exe().expect("a program knows its path"));
    command.args([test, "--exact", "--nocapture"]).env("AVSLUICE_LOG_CHILD", mode).env_remove("AV_LOG_FORCE_COLOR");
    let output = command.output().expect("the test program can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}{stderr}");
    stderr
}

#[test]
fn after_the_install_ffmpeg_prints_nothing_to_stderr() {
    assert_eq!(in_child("forwarded"), "");
}

#[test]
fn a_log_that_is_left_alone_is_printed_by_ffmpeg() {
    assert_eq!(in_child("left alone"), "a line of FFmpeg's\n");
}

#[test]
fn forwarding_can_be_ended_and_taken_up_again() {
    assert_eq!(in_child("changed twice"), "a line of FFmpeg's\n");
}
