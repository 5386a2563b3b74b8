//! FFmpeg's lines on their way to the application's logger.
//!
//! The logger is code of the application: it may open a codec, take a frame of a pool, wait for another thread. Inside a call of ours into
//! FFmpeg it would do so under FFmpeg's locks (a pool's, up to FFmpeg 6 one around the opening of codecs) and under ours (one codec is opened at
//! a time). So lines wait until the call is over, the outermost one on the thread; then the logger gets them in their order.

use super::TARGET;
use crate::error::{guard, line::Message};
use std::cell::RefCell;

/// A line that waits.
struct Waiting {
    level: log::Level,
    class: String,
    text: String,
}

/// Lines that wait in one call. Only a logger that reads FFmpeg's debug lines can have more.
const MOST: usize = 10_000;

#[derive(Default)]
struct Queue {
    lines: Vec<Waiting>,
    left_out: usize,
}

thread_local! {
    static QUEUE: RefCell<Queue> = const { RefCell::new(Queue { lines: Vec::new(), left_out: 0 }) };
}

/// Keeps a line until the call is over. `false` if it cannot wait: the thread is ending.
pub(in crate::raw) fn wait(level: log::Level, class: &str, text: &str) -> bool {
    let push = |queue: &RefCell<Queue>| {
        let mut queue = queue.borrow_mut();
        if queue.lines.len() < MOST {
            queue.lines.push(Waiting { level, class: class.to_owned(), text: text.to_owned() });
        } else {
            queue.left_out += 1;
        }
    };
    QUEUE.try_with(push).is_ok()
}

/// The call is over, and with it every lock that was held in it.
#[cold]
pub(in crate::raw) fn deliver() {
    let taken = QUEUE.try_with(|queue| std::mem::take(&mut *queue.borrow_mut()));
    let Ok(Queue { lines, left_out }) = taken else { return };
    for line in &lines {
        tell(line.level, &line.class, &line.text);
    }
    if left_out > 0 {
        guard::say!(Warn, "{left_out} further lines of FFmpeg's in this call are left out");
    }
}

/// Hands a line to the logger now.
pub(in crate::raw) fn tell(level: log::Level, class: &str, text: &str) {
    guard::tell(level, TARGET, format_args!("{}", Message(class, text)));
}
