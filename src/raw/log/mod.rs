//! FFmpeg's log: forwarded to the `log` facade, and captured for the error of the call that wrote it.
//!
//! FFmpeg has one log callback for the whole process. [`install`] puts avsluice's there on the first call into FFmpeg, so from then on
//! nothing goes to stderr by itself: each line goes to the `log` facade (target [`TARGET`]), where the application's logger
//! decides. FFmpeg's own threshold (`av_log_set_level`) only ever governed the printing to stderr and is not consulted here:
//! it would take away the lines that the facade asks for, and the warnings that explain an error.
//!
//! The application may put another callback there at any time. That costs errors their log lines, never their correctness:
//! no code of avsluice's takes a decision that needs a line to arrive.
//!
//! A [`Capture`] sees its own thread only. What a codec's worker threads log goes to the facade alone, and at once; what a call of ours logs goes
//! there when the call is over ([`delivery`](crate::raw::log::delivery)).

mod delivery;

use crate::error::{guard, line::Line};
use crate::ffi;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char, c_int};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

/// The target of FFmpeg's lines in the `log` facade.
pub(crate) const TARGET: &str = "avsluice::ffmpeg";

/// Lines that one capture keeps. The first ones name the cause; a broken stream can log thousands.
const KEPT: usize = 64;

unsafe extern "C" {
    /// In shim.c: FFmpeg's callback becomes the shim's (1) or FFmpeg's own (0).
    fn avsluice_log_redirect(here: c_int);
}

const UNDECIDED: u8 = 0;
const FORWARDED: u8 = 1;
const LEFT_ALONE: u8 = 2;

/// Whose callback FFmpeg has, as far as avsluice set it.
static CALLBACK: AtomicU8 = AtomicU8::new(UNDECIDED);
static DECIDING: Mutex<()> = Mutex::new(());

/// Takes over FFmpeg's log, once in the process, unless [`forward`] said otherwise. Everything that enters FFmpeg calls it.
pub(crate) fn install() {
    if CALLBACK.load(Ordering::Relaxed) == UNDECIDED {
        decide(FORWARDED, |current| current == UNDECIDED);
    }
}

/// Says whether FFmpeg's log goes to the `log` facade and into errors (`true`, the default) or stays what it is (`false`).
///
/// Call it with `false` before anything else of avsluice's to keep a log callback that the application has set with
/// `av_log_set_callback`, or FFmpeg's own, which prints to stderr. Errors then carry no log lines, and the kinds that are told by
/// them (a missing driver, a session limit) become general ones. After the log was forwarded, `false` puts FFmpeg's own callback back.
pub fn forward(enabled: bool) {
    let wanted = if enabled { FORWARDED } else { LEFT_ALONE };
    decide(wanted, |current| current != wanted);
}

#[cold]
fn decide(wanted: u8, changes: impl FnOnce(u8) -> bool) {
    let _deciding = DECIDING.lock().unwrap_or_else(PoisonError::into_inner);
    let current = CALLBACK.load(Ordering::Relaxed);
    if !changes(current) {
        return;
    }
    // Left alone from the start means just that: the application's callback must not be replaced by FFmpeg's default.
    if wanted == FORWARDED || current == FORWARDED {
        // SAFETY: the shim's callback and FFmpeg's own are functions without state, valid as long as the program. FFmpeg keeps the
        // pointer in one word that it reads once a message, so a message on another thread meets the one or the other.
        unsafe { avsluice_log_redirect((wanted == FORWARDED).into()) };
    }
    CALLBACK.store(wanted, Ordering::Relaxed);
}

/// Where the captures of a thread stand. Without a destructor, so that a capture in which nothing is logged neither allocates nor
/// registers anything.
struct Marks {
    /// Captures that are active.
    depth: Cell<usize>,
    /// Where the innermost one's lines begin.
    base: Cell<usize>,
    /// Lines held.
    length: Cell<usize>,
    /// Whether the last one goes on with the next message: FFmpeg writes some lines in pieces.
    open: Cell<bool>,
    /// Counts what was logged inside captures, kept or waiting for the logger: a call in which it stood still has nothing to end.
    heard: Cell<usize>,
    /// Lines wait for the logger.
    waiting: Cell<bool>,
}

thread_local! {
    static MARKS: Marks = const {
        Marks {
            depth: Cell::new(0),
            base: Cell::new(0),
            length: Cell::new(0),
            open: Cell::new(false),
            heard: Cell::new(0),
            waiting: Cell::new(false),
        }
    };
    static LINES: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
}

/// Keeps the warnings and errors that FFmpeg logs on this thread until it is dropped.
///
/// Captures nest: an outer one also sees the lines of those inside it. Without a logged line it costs two thread-local writes
/// and no allocation.
pub(crate) struct Capture {
    start: usize,
    outer_base: usize,
    heard: usize,
    /// Its lines are the thread's.
    not_send: PhantomData<*const ()>,
}

static_assertions::assert_not_impl_any!(Capture: Send, Sync);

impl Capture {
    #[inline]
    pub(crate) fn start() -> Self {
        MARKS.with(|marks| {
            let start = marks.length.get();
            if start != 0 {
                marks.open.set(false);
            }
            marks.depth.set(marks.depth.get() + 1);
            let heard = marks.heard.get();
            Capture { start, outer_base: marks.base.replace(start), heard, not_send: PhantomData }
        })
    }

    /// Ends it, and gives what was logged.
    #[inline]
    pub(crate) fn finish(self) -> Vec<Line> {
        let nothing = MARKS.with(|marks| {
            let nothing = marks.heard.get() == self.heard;
            if nothing {
                marks.depth.set(marks.depth.get() - 1);
                marks.base.set(self.outer_base);
            }
            nothing
        });
        if nothing {
            std::mem::forget(self); // it has been ended
            return Vec::new();
        }
        self.lines()
    }
    /// What was logged since the start, oldest first: the first 64 lines.
    #[inline]
    pub(crate) fn lines(&self) -> Vec<Line> {
        if MARKS.with(|marks| marks.length.get()) <= self.start { Vec::new() } else { self.copies() }
    }
    #[cold]
    fn copies(&self) -> Vec<Line> {
        LINES.with_borrow(|lines| lines.get(self.start..).unwrap_or_default().to_vec())
    }
}

impl Drop for Capture {
    #[inline]
    fn drop(&mut self) {
        MARKS.with(|marks| {
            marks.depth.set(marks.depth.get() - 1);
            marks.base.set(self.outer_base);
            if marks.heard.get() != self.heard {
                end(marks);
            }
        });
    }
}

/// After a capture in which something was logged.
#[cold]
fn end(marks: &Marks) {
    marks.open.set(false);
    // An outer capture keeps what it would have kept without this one inside it.
    let most = if marks.depth.get() == 0 { 0 } else { marks.base.get() + KEPT };
    if most < marks.length.get() {
        marks.length.set(most);
        // A thread that is ending may have dropped the lines already.
        let _ = LINES.try_with(|lines| lines.borrow_mut().truncate(most));
    }
    if marks.depth.get() == 0 && marks.waiting.replace(false) {
        delivery::deliver();
    }
}

fn captured(level: c_int) -> bool {
    level <= ffi::AV_LOG_WARNING && MARKS.with(|marks| marks.depth.get()) > 0
}

fn keep(level: c_int, class: &str, text: &str, open: bool) {
    if captured(level) {
        MARKS.with(|marks| keep_line(marks, level, class, text, open));
    }
}

fn keep_line(marks: &Marks, level: c_int, class: &str, text: &str, open: bool) {
    marks.heard.set(marks.heard.get().wrapping_add(1));
    if marks.open.replace(open) {
        let _ = LINES.try_with(|lines| lines.borrow_mut().last_mut().map(|line| line.text.push_str(text)));
        return;
    }
    if text.is_empty() || marks.length.get() - marks.base.get() >= KEPT {
        marks.open.set(false);
        return;
    }
    let line = Line { level: facade_level(level), class: class.to_owned(), text: text.to_owned() };
    let pushed = LINES.try_with(|lines| lines.borrow_mut().push(line));
    match pushed {
        Ok(()) => marks.length.set(marks.length.get() + 1),
        Err(_) => marks.open.set(false),
    }
}

/// FFmpeg's seven levels in the facade's five. Its VERBOSE is what a developer reads, its DEBUG can be a line for each packet.
fn facade_level(level: c_int) -> log::Level {
    if level <= ffi::AV_LOG_ERROR {
        log::Level::Error
    } else if level <= ffi::AV_LOG_WARNING {
        log::Level::Warn
    } else if level <= ffi::AV_LOG_INFO {
        log::Level::Info
    } else if level <= ffi::AV_LOG_VERBOSE {
        log::Level::Debug
    } else {
        log::Level::Trace
    }
}

/// The shim asks before it formats anything: 1 when somebody reads lines of this level.
#[unsafe(no_mangle)]
extern "C" fn avsluice_log_wanted(level: c_int) -> c_int {
    if captured(level) {
        return 1;
    }
    let level = facade_level(level);
    // The logger is asked in calls of nobody's here alone, see `delivery`.
    let inside = MARKS.with(|marks| marks.depth.get()) > 0;
    let wanted = if inside { level <= log::max_level() && !guard::is_logging() } else { guard::is_read(level, TARGET) };
    wanted.into()
}

/// The shim hands over one formatted message.
///
/// # Safety
/// Both pointers are NUL-terminated strings that live through the call.
#[unsafe(no_mangle)]
unsafe extern "C" fn avsluice_log_line(level: c_int, class: *const c_char, line: *const c_char) {
    // SAFETY: the caller's promise; shim.c passes an AVClass's name, or "", and its own buffer.
    let (class, line) = unsafe { (CStr::from_ptr(class), CStr::from_ptr(line)) };
    // Nothing here panics but for want of memory; FFmpeg's frames above could not be unwound through.
    let _ = guard::contain(|| {
        let (class, line) = (class.to_string_lossy(), line.to_string_lossy());
        let text = one_line(&line);
        // A line that filled the shim's buffer was cut, and its end with it.
        keep(level, &class, &text, !line.ends_with('\n') && line.len() < 1000);
        if !text.is_empty() {
            forward_line(level, &class, &text);
        }
    });
}

/// To the logger: now, or when the call that logs it is over.
fn forward_line(level: c_int, class: &str, text: &str) {
    let facade = facade_level(level);
    if facade > log::max_level() || guard::is_logging() {
        return;
    }
    let inside = MARKS.with(|marks| marks.depth.get()) > 0;
    // Behind a line of the highest level FFmpeg calls abort(): it cannot wait.
    if inside && level > ffi::AV_LOG_PANIC && delivery::wait(facade, class, text) {
        MARKS.with(|marks| {
            marks.heard.set(marks.heard.get().wrapping_add(1));
            marks.waiting.set(true);
        });
    } else {
        delivery::tell(facade, class, text);
    }
}

/// The message without its line end. Names and tags out of a file get into messages: what could steer a terminal is replaced.
fn one_line(line: &str) -> Cow<'_, str> {
    let line = line.trim_end();
    if !line.contains(char::is_control) {
        return line.into();
    }
    line.chars()
        .map(|c| {
            if c.is_whitespace() {
                ' '
            } else if c.is_control() {
                '?'
            } else {
                c
            }
        })
        .collect::<String>()
        .into()
}

#[cfg(test)]
mod tests;
