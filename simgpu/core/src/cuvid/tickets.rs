//! How a picture goes from our parser to our decoder.
//!
//! The parser has decoded a picture before it calls back; the program passes the CUVIDPICPARAMS on to `cuvidDecodePicture`,
//! perhaps as a copy and later. So the structure carries a number, and the picture waits here.
use super::structs::PicParams;
use crate::decode::Picture;
use crate::ledger::Handle;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

const MAGIC: u32 = 0x7369_6d67;

struct Waiting {
    parser: Handle,
    picture: Picture,
    damaged: bool,
}

#[derive(Default)]
struct Tickets {
    last: u64,
    waiting: BTreeMap<u64, Waiting>,
}

static TICKETS: Mutex<Tickets> = Mutex::new(Tickets { last: 0, waiting: BTreeMap::new() });

fn lock() -> MutexGuard<'static, Tickets> {
    TICKETS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Leaves a picture here.
pub fn leave(parser: Handle, picture: Picture) -> u64 {
    let mut tickets = lock();
    tickets.last += 1;
    let ticket = tickets.last;
    tickets.waiting.insert(ticket, Waiting { parser, picture, damaged: false });
    ticket
}

/// Writes a ticket where the decoder looks for it.
pub fn write(params: &mut PicParams, ticket: u64) {
    params.reserved[..3].copy_from_slice(&[MAGIC, ticket as u32, (ticket >> 32) as u32]);
}

/// The ticket in picture parameters, if our parser made them.
pub fn read(params: &PicParams) -> Option<u64> {
    let [magic, low, high, ..] = params.reserved;
    (magic == MAGIC).then_some(u64::from(low) | u64::from(high) << 32)
}

/// The picture behind a ticket, which stays here; `None` when the parser has dropped it.
pub fn picture(ticket: u64) -> Option<Picture> {
    lock().waiting.get(&ticket).and_then(|waiting| waiting.picture.share())
}

/// Notes that the picture was concealed in parts.
pub fn mark_damaged(ticket: u64) {
    if let Some(waiting) = lock().waiting.get_mut(&ticket) {
        waiting.damaged = true;
    }
}

/// Whether the picture was concealed in parts.
pub fn is_damaged(ticket: u64) -> bool {
    lock().waiting.get(&ticket).is_some_and(|waiting| waiting.damaged)
}

/// Drops one picture.
pub fn drop_one(ticket: u64) {
    lock().waiting.remove(&ticket);
}

/// Drops all pictures of a parser that goes.
pub fn drop_all(parser: Handle) {
    lock().waiting.retain(|_, waiting| waiting.parser != parser);
}
