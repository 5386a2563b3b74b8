//! Which picture indices the parser may give out.
use std::collections::{BTreeMap, VecDeque};

/// A picture that has an index and is not displayed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    pub index: i32,
    pub ticket: u64,
}

/// Picture indices. A program maps a displayed picture some time after the display callback, so the index that was displayed
/// longest ago is given out first.
#[derive(Default)]
pub struct SurfacePool {
    free: VecDeque<i32>,
    /// By serial number, which is decode order.
    pending: BTreeMap<u64, Pending>,
    count: u32,
}

impl SurfacePool {
    pub fn new(count: u32) -> Self {
        SurfacePool { free: (0..count.clamp(1, 32) as i32).collect(), pending: BTreeMap::new(), count }
    }

    /// For a new sequence. With as many surfaces as before the program keeps its decoder, and in it the pictures that it was
    /// shown last and has not mapped yet: those indices go on being given out last.
    pub fn resize(&mut self, count: u32) {
        if self.count != count {
            *self = SurfacePool::new(count);
        }
    }

    /// An index for a picture that begins. With all in use, the picture decoded first loses its own and will not be
    /// displayed: in a broken stream it may never be, and a program with too few surfaces was told so.
    pub fn take(&mut self, serial: u64, ticket: u64) -> i32 {
        let oldest = || self.pending.pop_first().map_or(0, |(_, pending)| pending.index);
        let index = self.free.pop_front().unwrap_or_else(oldest);
        self.pending.insert(serial, Pending { index, ticket });
        index
    }

    /// A picture is displayed: its index becomes free.
    pub fn display(&mut self, serial: u64) -> Option<Pending> {
        let pending = self.pending.remove(&serial)?;
        self.free.push_back(pending.index);
        Some(pending)
    }

    /// Pictures that begun and were not displayed at the end of their sequence: they never will be.
    pub fn forget_pending(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        self.free.extend(pending.values().map(|pending| pending.index));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_index_displayed_longest_ago_comes_first() {
        let mut pool = SurfacePool::new(3);
        let given: Vec<i32> = (0..3).map(|serial| pool.take(serial, serial)).collect();
        assert_eq!(given, [0, 1, 2]);
        assert_eq!(pool.display(2).map(|pending| pending.index), Some(2));
        assert_eq!(pool.display(0).map(|pending| pending.index), Some(0));
        assert_eq!(pool.take(3, 3), 2);
        assert_eq!(pool.take(4, 4), 0);
        assert_eq!(pool.take(5, 5), 1, "the oldest goes when none is free");
        assert_eq!(pool.display(1), None);
        pool.forget_pending();
        let given: BTreeSet<i32> = (6..9).map(|serial| pool.take(serial, serial)).collect();
        assert_eq!(given.len(), 3, "all are free again");
    }

    #[test]
    fn a_new_sequence_in_the_same_decoder_spares_what_was_just_displayed() {
        let mut pool = SurfacePool::new(3);
        (0..2).for_each(|serial| assert_eq!(pool.take(serial, serial), serial as i32));
        assert_eq!(pool.display(0).map(|pending| pending.index), Some(0));
        pool.forget_pending();
        pool.resize(3);
        assert_eq!(pool.take(2, 2), 2);
        pool.resize(4);
        assert_eq!(pool.take(3, 3), 0, "another decoder");
    }
}
