//! Reusable AVFrame and AVPacket structs. Each codec has a free list of them, so that it allocates none once it runs.

use crate::ffi;
use crate::{error::Result, raw::out_of_memory, types::facts::Facts};
use std::{
    mem::ManuallyDrop,
    ptr::{self, NonNull},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicPtr, Ordering},
    },
};

/// An FFmpeg struct that can be emptied and used again.
///
/// # Safety
/// `allocate` gives null or an object that `release` frees and `empty` brings back to its first state.
pub unsafe trait Object: Sized {
    const ALLOCATE: &'static str;
    fn allocate() -> *mut Self;
    /// # Safety
    /// The object is live, and nothing else uses it.
    unsafe fn empty(object: *mut Self);
    /// # Safety
    /// The object is live, and is not used again.
    unsafe fn release(object: *mut Self);
}

macro_rules! object {
    ($object:ident, $allocate:ident, $empty:ident, $release:ident) => {
        // SAFETY: these three belong together, by FFmpeg's documentation of each.
        unsafe impl Object for ffi::$object {
            const ALLOCATE: &'static str = stringify!($allocate);
            fn allocate() -> *mut Self {
                // SAFETY: it has no preconditions.
                unsafe { ffi::$allocate() }
            }
            unsafe fn empty(object: *mut Self) {
                // SAFETY: the object is live and ours, by the caller's word.
                unsafe { ffi::$empty(object) }
            }
            unsafe fn release(mut object: *mut Self) {
                // SAFETY: the object is live and ours, by the caller's word.
                unsafe { ffi::$release(&mut object) }
            }
        }
    };
}
object!(AVFrame, av_frame_alloc, av_frame_unref, av_frame_free);
object!(AVPacket, av_packet_alloc, av_packet_unref, av_packet_free);

/// A struct, and where it goes when it is dropped.
struct Node<T: Object> {
    object: NonNull<T>,
    home: Option<Arc<FreeList<T>>>,
    facts: Facts,
}

impl<T: Object> Drop for Node<T> {
    fn drop(&mut self) {
        // SAFETY: the node is the object's one owner.
        unsafe { T::release(self.object.as_ptr()) }
    }
}

/// The boxes are what is recycled: a [`Reusable`] is one pointer, and taking one allocates nothing.
#[allow(clippy::vec_box)]
type Free<T> = Vec<Box<Node<T>>>;

/// The free list of one codec.
pub(crate) struct FreeList<T: Object> {
    /// The last one that came back, which is most often the next to be taken: one exchange instead of the lock. Null, or a node that
    /// belongs to this list alone.
    last: AtomicPtr<Node<T>>,
    free: Mutex<Free<T>>,
}

/// More than any codec holds at once; what comes back beyond it is freed.
const KEPT: usize = 64;

// SAFETY: a node owns its object alone, and neither AVFrame nor AVPacket has a thread affinity.
unsafe impl<T: Object> Send for Node<T> {}

impl<T: Object> FreeList<T> {
    pub(crate) fn new() -> Arc<Self> {
        let last = AtomicPtr::new(ptr::null_mut());
        Arc::new(FreeList { last, free: Mutex::new(Vec::with_capacity(KEPT)) })
    }
    /// An empty struct that comes back here when it is dropped.
    #[inline]
    pub(crate) fn take(self: &Arc<Self>) -> Result<Reusable<T>> {
        let last = self.last.swap(ptr::null_mut(), Ordering::Acquire);
        let mut object = if last.is_null() {
            self.take_from_list()?
        } else {
            // SAFETY: `give` made the pointer of a box that it gave up, and the exchange above makes this the one who has it.
            Reusable(ManuallyDrop::new(unsafe { Box::from_raw(last) }))
        };
        object.0.home = Some(Arc::clone(self));
        Ok(object)
    }
    fn take_from_list(&self) -> Result<Reusable<T>> {
        let recycled = self.lock().pop();
        recycled.map_or_else(Reusable::new, |node| Ok(Reusable(ManuallyDrop::new(node))))
    }
    /// Takes an emptied struct back.
    #[inline]
    fn give(&self, node: Box<Node<T>>) {
        let node = Box::into_raw(node);
        if self.last.compare_exchange(ptr::null_mut(), node, Ordering::Release, Ordering::Relaxed).is_err() {
            // SAFETY: the pointer was made above, and the exchange did not take it.
            self.give_to_list(unsafe { Box::from_raw(node) });
        }
    }
    fn give_to_list(&self, node: Box<Node<T>>) {
        let mut free = self.lock();
        if free.len() < KEPT {
            free.push(node);
        }
    }
    fn lock(&self) -> MutexGuard<'_, Free<T>> {
        // No code that can panic runs under the lock.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Object> Drop for FreeList<T> {
    fn drop(&mut self) {
        let last = *self.last.get_mut();
        if !last.is_null() {
            // SAFETY: `give` made it of a box that it gave up, and nobody has taken it.
            drop(unsafe { Box::from_raw(last) });
        }
    }
}

/// A free list, and the empty struct of the last call that gave nothing.
pub(crate) struct Supply<T: Object> {
    list: Arc<FreeList<T>>,
    spare: Option<Reusable<T>>,
}

impl<T: Object> Supply<T> {
    pub(crate) fn new() -> Self {
        Supply { list: FreeList::new(), spare: None }
    }
    pub(crate) fn list(&self) -> &Arc<FreeList<T>> {
        &self.list
    }
    /// Has an empty struct filled. `fill` says whether it has; if not, the struct waits here for the next call.
    #[inline]
    pub(crate) fn fill(&mut self, fill: impl FnOnce(&mut Reusable<T>) -> Result<bool>) -> Result<Option<Reusable<T>>> {
        let mut object = match self.spare.take() {
            Some(spare) => spare,
            None => self.list.take()?,
        };
        if fill(&mut object)? {
            return Ok(Some(object));
        }
        self.spare = Some(object);
        Ok(None)
    }
}

/// An owned AVFrame or AVPacket. One pointer wide.
pub struct Reusable<T: Object>(ManuallyDrop<Box<Node<T>>>);

// SAFETY: `&Reusable` gives read access alone (`as_ptr` is for this module's siblings, which write through `&mut
// Reusable` only), and the buffers' counts are atomic.
unsafe impl<T: Object> Sync for Reusable<T> {}

impl<T: Object> Reusable<T> {
    /// A struct that is freed when it is dropped.
    pub(crate) fn new() -> Result<Self> {
        let object = NonNull::new(T::allocate()).ok_or_else(|| out_of_memory(T::ALLOCATE))?;
        Ok(Reusable(ManuallyDrop::new(Box::new(Node { object, home: None, facts: Facts::default() }))))
    }
    #[inline]
    pub(super) fn as_ptr(&self) -> *mut T {
        self.0.object.as_ptr()
    }
    #[inline]
    pub(super) fn get(&self) -> &T {
        // SAFETY: the node owns a live object, and writing to it needs `&mut self`.
        unsafe { self.0.object.as_ref() }
    }
    #[inline]
    pub(super) fn get_mut(&mut self) -> &mut T {
        // SAFETY: the node owns a live object, and `&mut self` makes this the only access.
        unsafe { self.0.object.as_mut() }
    }
    #[inline]
    pub(crate) fn facts(&self) -> Facts {
        self.0.facts
    }
    #[inline]
    pub(crate) fn facts_mut(&mut self) -> &mut Facts {
        &mut self.0.facts
    }
    /// The same with these facts.
    pub(crate) fn with_facts(mut self, facts: Facts) -> Self {
        self.0.facts = facts;
        self
    }
    /// Another one from the same free list, if there is one.
    pub(crate) fn sibling(&self) -> Result<Self> {
        match &self.0.home {
            Some(home) => home.take(),
            None => Reusable::new(),
        }
    }
}

impl<T: Object> Drop for Reusable<T> {
    fn drop(&mut self) {
        // SAFETY: drop runs once, and nothing reads the field after it.
        let mut node = unsafe { ManuallyDrop::take(&mut self.0) };
        let Some(home) = node.home.take() else { return };
        // SAFETY: the node owns the object, which is live.
        unsafe { T::empty(node.object.as_ptr()) };
        node.facts = Facts::default();
        home.give(node);
    }
}

static_assertions::assert_impl_all!(Reusable<ffi::AVFrame>: Send, Sync);
static_assertions::assert_impl_all!(Reusable<ffi::AVPacket>: Send, Sync);
static_assertions::assert_eq_size!(Reusable<ffi::AVFrame>, *const ());

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::time::Ratio;

    #[test]
    fn a_dropped_struct_is_taken_again() {
        let list = FreeList::<ffi::AVFrame>::new();
        let first = list.take().unwrap();
        let address = first.as_ptr();
        drop(first);
        let second = list.take().unwrap();
        assert_eq!(second.as_ptr(), address);
        assert_ne!(list.take().unwrap().as_ptr(), address, "one struct given out twice");
    }

    #[test]
    fn a_struct_comes_back_empty() {
        let list = FreeList::<ffi::AVFrame>::new();
        let mut frame = list.take().unwrap();
        frame.get_mut().pts = 7;
        frame.facts_mut().time_base = Ratio { num: 1, den: 25 };
        drop(frame);
        let frame = list.take().unwrap();
        assert_eq!(frame.get().pts, ffi::AV_NOPTS_VALUE);
        assert_eq!(frame.facts().time_base, Ratio::default());
    }

    #[test]
    fn structs_go_to_and_fro_between_threads() {
        let list = FreeList::<ffi::AVPacket>::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..2_000 {
                        let mut held: Vec<_> = (0..1 + round % 3).map(|_| list.take().unwrap()).collect();
                        held.iter_mut().for_each(|packet| {
                            assert_eq!(packet.get().pos, -1, "given out twice, or not emptied");
                            packet.get_mut().pos = round;
                        });
                    }
                });
            }
        });
        assert!(list.lock().len() < 12);
    }

    #[test]
    fn the_free_list_is_bounded() {
        let list = FreeList::<ffi::AVPacket>::new();
        let all: Vec<_> = (0..KEPT + 8).map(|_| list.take().unwrap()).collect();
        drop(all);
        assert_eq!(list.lock().len(), KEPT);
    }

    #[test]
    fn a_struct_may_outlive_its_list() {
        let list = FreeList::<ffi::AVPacket>::new();
        let packet = list.take().unwrap();
        drop(list);
        assert_eq!(packet.get().size, 0);
    }
}
