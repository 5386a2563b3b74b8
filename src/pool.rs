//! Where frames of one size and format come from.

use crate::{
    Any, AsDevice, Concrete, DeviceMemory, Format, Frame, Memory, Result, System,
    raw::{BufferRef, RawFrame, Scope, avutil::picture::Picture, sealed},
};

/// A counted reference to a pool (an AVHWFramesContext; host memory needs none): cloning it allocates no frames. An encoder is
/// configured for one.
///
/// Besides size and format it carries what is known of the pictures: the colour, aspect ratio, HDR metadata and frame rate of the
/// frame that it was taken from ([`Frame::pool`]).
pub struct FramePool<'d, M: Memory> {
    pub(crate) source: Source,
    format: Format,
    picture: Picture,
    _scope: Scope<'d, M>,
}

/// Where frames come from.
pub(crate) enum Source {
    Host,
    Device(BufferRef),
}

impl Source {
    pub(crate) fn into_buffer(self) -> Option<BufferRef> {
        match self {
            Source::Host => None,
            Source::Device(buffer) => Some(buffer),
        }
    }
    fn try_clone(&self) -> Result<Self> {
        Ok(match self {
            Source::Host => Source::Host,
            Source::Device(buffer) => Source::Device(buffer.try_clone()?),
        })
    }
}

impl<'d, M: Memory> FramePool<'d, M> {
    /// A pool of frames of that format, on a device or in host memory (`System`). CUDA pools grow as frames are taken.
    ///
    /// # Errors
    /// `InvalidSetting` for a size of zero; `Unsupported` for a layout that the device's memory does not have.
    pub fn new(on: impl AsDevice<'d, Memory = M>, format: Format) -> Result<Self> {
        crate::raw::enter()?;
        let source = match on.as_device() {
            Some(device) => Source::Device(BufferRef::frames(device, <M as sealed::Memory>::KIND, format)?),
            None => {
                drop(RawFrame::system(format)?); // so that a format that cannot be had is refused here
                Source::Host
            }
        };
        Ok(FramePool { source, format, picture: Picture::default(), _scope: Scope::new() })
    }
    /// The pool of a frame. Its format is the frame's own: the memory may be laid out for a larger one.
    pub(crate) fn of(frame: &RawFrame) -> Self {
        let source = frame.pool().map_or(Source::Host, Source::Device);
        FramePool { source, format: frame.format(), picture: frame.picture(), _scope: Scope::new() }
    }
    /// Size and layout of its frames.
    pub fn format(&self) -> Format {
        self.format
    }
    /// A frame to fill. In host memory it is all zero.
    ///
    /// # Errors
    /// `PoolExhausted` when the device has no memory left; `OutOfMemory`.
    pub fn frame(&self) -> Result<Frame<'d, M>> {
        match &self.source {
            Source::Host => RawFrame::system(self.format),
            Source::Device(pool) => pool.take_frame(None),
        }
        .map(Frame::from_raw)
    }
    pub(crate) fn picture(&self) -> &Picture {
        &self.picture
    }
    pub(crate) fn buffer(&self) -> Option<&BufferRef> {
        match &self.source {
            Source::Host => None,
            Source::Device(buffer) => Some(buffer),
        }
    }
    /// The same, read as of another kind of memory, which the caller has checked.
    fn retype<'e, N: Memory>(&self, source: Source) -> FramePool<'e, N> {
        FramePool { source, format: self.format, picture: self.picture.clone(), _scope: Scope::new() }
    }
}

impl<'d, M: Concrete> FramePool<'d, M> {
    /// The memory kind checked at run time instead.
    pub fn erase(self) -> FramePool<'d, Any> {
        FramePool { source: self.source, format: self.format, picture: self.picture, _scope: Scope::new() }
    }
}

impl<M: DeviceMemory> FramePool<'_, M> {
    /// The pool of what `download` gives for this one's frames: what a software encoder is configured with.
    pub fn host(&self) -> FramePool<'static, System> {
        self.retype(Source::Host)
    }
}

impl<M: Memory> Clone for FramePool<'_, M> {
    /// # Panics
    /// If memory runs out, as Rust's own collections do.
    fn clone(&self) -> Self {
        self.retype(self.source.try_clone().expect("memory for a reference"))
    }
}

impl<M: Memory> std::fmt::Debug for FramePool<'_, M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FramePool").field("format", &self.format).finish()
    }
}

static_assertions::assert_impl_all!(FramePool<'static, Any>: Send, Sync, Clone);
