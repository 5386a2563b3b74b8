//! A hardware device, and the two ways to build on it.

use crate::{
    DeviceMemory, Error, ErrorKind, Failed, Memory, Result, System,
    raw::{BufferRef, sealed},
};
use std::{fmt, marker::PhantomData, sync::Arc};

/// An initialised device (an AVHWDeviceContext).
///
/// What is built on `&device` cannot outlive it, which the compiler checks. What is built on `&Arc<Device>` is
/// `'static` and counted, for structs, threads and async. It is not `Clone`: one owner says when it goes.
#[must_use]
pub struct Device<M: DeviceMemory> {
    buffer: BufferRef,
    memory: PhantomData<fn() -> M>,
}

impl<M: DeviceMemory> Device<M> {
    pub(crate) fn from_buffer(buffer: BufferRef) -> Self {
        Device { buffer, memory: PhantomData }
    }
    pub(crate) fn buffer(&self) -> &BufferRef {
        &self.buffer
    }
    /// The device's name, as its driver has it.
    ///
    /// # Errors
    /// What the driver reports.
    pub fn name(&self) -> Result<String> {
        self.buffer.device_name()
    }
    /// Waits until all that was queued on the device's stream is done (cuStreamSynchronize). A VA-API device has no queue of its own:
    /// there each surface is waited for where it is used.
    ///
    /// # Errors
    /// What the driver reports: an error of any work that was queued may show here.
    pub fn synchronize(&self) -> Result<()> {
        self.buffer.synchronize()
    }
    /// FFmpeg's references to the device besides this one (av_buffer_get_ref_count): 0 when nothing lives that was
    /// built on it. It is no count of objects: a pool has one, with all its frames; a codec has several, and a decoder
    /// more once it has made its pictures.
    pub fn references(&self) -> usize {
        self.buffer.count().saturating_sub(1)
    }
    /// Destroys the device and says so, or gives it back with the number of references left.
    ///
    /// # Errors
    /// `InUse`: something that was built on it lives on, be it a leaked codec or a frame that was forgotten.
    pub fn close(self) -> Result<(), Failed<Self>> {
        let references = self.references();
        if references > 0 {
            let defect = <M as sealed::DeviceMemory>::BACKEND.known_leak();
            let error = Error::new(ErrorKind::InUse { references }, "close").detail(format!(
                "{references} references to the device are left: drop the codecs, pools and frames that were built on it first{defect}"
            ));
            return Err(Failed::new(error, self));
        }
        Ok(())
    }
}

impl<M: DeviceMemory> fmt::Debug for Device<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("references", &self.references()).finish()
    }
}

/// What can be built on: `&Device` for a checked order, `&Arc<Device>` for a counted one, [`System`] for host memory. Sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a device to build on",
    label = "expected `&Device`, `&Arc<Device>` or `System`",
    note = "borrow it (`&device`) to have the order checked by the compiler, or put it in an `Arc` (`&shared`) to have it counted"
)]
pub trait AsDevice<'d>: sealed::AsDevice {
    /// The memory of frames on it.
    type Memory: Memory;
}

impl<M: DeviceMemory> sealed::AsDevice for &Device<M> {
    fn as_device(&self) -> Option<&BufferRef> {
        Some(&self.buffer)
    }
}
impl<'d, M: DeviceMemory> AsDevice<'d> for &'d Device<M> {
    type Memory = M;
}
impl<M: DeviceMemory> sealed::AsDevice for &Arc<Device<M>> {
    fn as_device(&self) -> Option<&BufferRef> {
        Some(&self.buffer)
    }
}
impl<M: DeviceMemory> AsDevice<'static> for &Arc<Device<M>> {
    type Memory = M;
}
impl sealed::AsDevice for System {
    fn as_device(&self) -> Option<&BufferRef> {
        None
    }
}
impl AsDevice<'static> for System {
    type Memory = System;
}
