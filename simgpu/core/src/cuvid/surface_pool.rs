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
}

impl SurfacePool {
    pub fn new(count: u32) -> Self {
        SurfacePool { free: (0..count.clamp(1, 32) as i32).collect(), pending: BTreeMap::new() }
    }

    /// An index for a picture that begins. With all in use, the picture decoded first loses its own, which is given too: it
    /// will not be displayed.
    pub fn take(&mut self, serial: u64, ticket: u64) -> (i32, Option<Pending>) {
        let (index, lost) = match self.free.pop_front() {
            Some(index) => (index, None),
            None => {
                let lost = self.pending.pop_first().map(|(_, pending)| pending);
                (lost.map_or(0, |pending| pending.index), lost)
            }
        };
        self.pending.insert(serial, Pending { index, ticket });
        (index, lost)
    }

    /// A picture is displayed: its index becomes free.
    pub fn display(&mut self, serial: u64) -> Option<Pending> {
        let pending = self.pending.remove(&serial)?;
        self.free.push_back(pending.index);
        Some(pending)
    }

    /// Pictures that begun and were not displayed at the end of their sequence: they never will be.
    pub fn forget_pending(&mut self) -> Vec<Pending> {
        let pending = std::mem::take(&mut self.pending);
        self.free.extend(pending.values().map(|pending| pending.index));
        pending.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_displayed_longest_ago_comes_first() {
        let mut pool = SurfacePool::new(3);
        let given: Vec<i32> = (0..3).map(|serial| pool.take(serial, serial).0).collect();
        assert_eq!(given, [0, 1, 2]);
        assert_eq!(pool.display(2).map(|pending| pending.index), Some(2));
        assert_eq!(pool.display(0).map(|pending| pending.index), Some(0));
        assert_eq!(pool.take(3, 3), (2, None));
        assert_eq!(pool.take(4, 4), (0, None));
        assert_eq!(pool.take(5, 5), (1, Some(Pending { index: 1, ticket: 1 })), "the oldest goes when none is free");
        assert_eq!(pool.display(1), None);
        assert_eq!(pool.forget_pending().len(), 3);
        assert_eq!(pool.take(6, 6).1, None);
    }
}
