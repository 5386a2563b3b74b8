//! The frames that an encoder takes, and how they get to its codec: as they are, or copied into frames of its own.

use crate::{
    Error, ErrorKind, Format, Result, ffi,
    raw::{BufferRef, Kind, RawFrame, avutil::frame::Layout, recycle::FreeList},
    transfer,
};
use std::sync::Arc;

/// What stands between `send` and the codec.
pub(super) struct Intake {
    accepts: Accepts,
    /// The layout of a frame of no pool that was checked before, and is not checked again.
    checked: Option<Layout>,
    /// Pools that frames came from. NVENC finds its registrations by address, so none of them may be recycled before the close.
    pools: Vec<BufferRef>,
    /// Where copies are made.
    own: Option<BufferRef>,
    /// Host frames are copied into `own`: the codec was opened for a device's frames.
    uploads: bool,
    list: Arc<FreeList<ffi::AVFrame>>,
}

/// Pools whose frames go to the codec as they are. Each keeps the memory of its frames until the encoder is closed: a program that opens a decoder
/// for each of many files, and one encoder for all, would fill the device. What comes from more of them is copied.
const POOLS: usize = 8;

/// Frames after which an encoder makes no surface more: what it keeps for reference, reorders and works on at once is fewer.
const GROWING: u64 = 32;

/// The frames that an encoder takes.
pub(super) struct Accepts {
    pub(super) kind: Kind,
    pub(super) format: Format,
    pub(super) device: Option<BufferRef>,
}

impl Accepts {
    fn check(&self, frame: &RawFrame) -> Result<()> {
        let refuse = |kind, detail| Err(Error::new(kind, "send").detail(detail));
        if frame.kind() != Some(self.kind) {
            let found = frame.kind().map_or("memory unknown to avsluice".to_string(), |kind| kind.to_string());
            return refuse(ErrorKind::WrongFormat, format!("the frame is in {found}, the encoder takes {}", self.kind));
        }
        let (own, due) = (frame.format(), self.format);
        if own != due {
            let detail = format!(
                "the frame is {} {}x{}, the encoder was opened for {} {}x{}: open another for frame.pool()",
                own.pixels, own.width, own.height, due.pixels, due.width, due.height
            );
            return refuse(ErrorKind::WrongFormat, detail);
        }
        if let (Some(device), Some(pool)) = (&self.device, frame.pool()) {
            if !pool.frames_device()?.same_device(device) {
                let detail = "the frame is on another device than the encoder".into();
                return refuse(ErrorKind::WrongDevice, detail);
            }
        }
        Ok(())
    }
}

impl Intake {
    /// `pool` is the one that the codec was opened with.
    pub(super) fn new(accepts: Accepts, pool: Option<BufferRef>, uploads: bool) -> Self {
        let (own, pools) = if uploads { (pool, Vec::new()) } else { (None, pool.into_iter().collect()) };
        Intake { accepts, checked: None, pools, own, uploads, list: FreeList::new() }
    }
    /// Checks a frame. `None`: it goes to the codec as it is; else the copy does. `sent` is how many were sent before.
    #[inline]
    pub(super) fn admit(&mut self, frame: &RawFrame, sent: u64) -> Result<Option<RawFrame>> {
        let layout = frame.layout();
        if layout.is_some() && layout == self.checked {
            return Ok(None);
        }
        self.admit_checked(frame, layout, sent)
    }
    fn admit_checked(&mut self, frame: &RawFrame, layout: Option<Layout>, sent: u64) -> Result<Option<RawFrame>> {
        // A frame of a pool that was checked before is of the same device and layout; its visible size is its own.
        let known = self.pools.iter().rev().any(|pool| frame.is_of(pool));
        if !known || frame.format() != self.accepts.format {
            self.accepts.check(frame)?;
        }
        if self.uploads {
            return self.uploaded(frame).map(Some);
        }
        if frame.is_bottom_up() {
            // Many encoders take the distance between rows for a number without a sign.
            return frame.copied().map(Some);
        }
        self.checked = layout;
        if let (false, Some(pool)) = (known, frame.pool()) {
            if self.pools.len() < POOLS {
                self.pools.push(pool);
            } else if self.accepts.kind.is(|backend| backend.registers_addresses()) {
                return self.copied_on_device(frame).map(Some);
            } else {
                // The frame keeps its pool for as long as the driver reads it. The first is what the codec was opened with.
                self.pools.remove(1);
                self.pools.push(pool);
            }
        }
        self.check_room(sent)?;
        Ok(None)
    }
    /// FFmpeg's nvenc destroys an input buffer of host frames twice where the driver has none left for its output (5.1 to 9.0). Frames of a
    /// device take another way there.
    fn uploaded(&mut self, frame: &RawFrame) -> Result<RawFrame> {
        let upright = if frame.is_bottom_up() { Some(frame.copied()?) } else { None };
        let copy = self.copy(upright.as_ref().unwrap_or(frame))?;
        transfer::uploaded(frame.picture_bytes());
        Ok(copy)
    }
    fn copied_on_device(&mut self, frame: &RawFrame) -> Result<RawFrame> {
        let copy = self.copy(frame)?;
        transfer::copied_on_device(frame.picture_bytes());
        Ok(copy)
    }
    fn copy(&mut self, frame: &RawFrame) -> Result<RawFrame> {
        let pool = match (&mut self.own, &self.accepts.device) {
            (Some(pool), _) => pool,
            (own @ None, Some(device)) => {
                own.insert(BufferRef::frames(device, self.accepts.kind, self.accepts.format)?)
            }
            (None, None) => return Err(Error::new(ErrorKind::WrongFormat, "send")),
        };
        let mut copy = pool.take_frame(Some(&self.list))?;
        frame.transfer(&mut copy)?;
        copy.copy_properties(frame)?;
        Ok(copy)
    }
    /// While an encoder's own pool grows, a device that is full is asked before FFmpeg is, whose encoders may crash there.
    fn check_room(&self, sent: u64) -> Result<()> {
        match self.pools.first() {
            Some(pool) if sent < GROWING && self.accepts.kind.is(|backend| backend.crashes_without_room()) => {
                pool.check_room(self.accepts.kind)
            }
            _ => Ok(()),
        }
    }
}
