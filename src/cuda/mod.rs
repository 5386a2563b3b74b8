//! CUDA handles, without a dependency on any CUDA crate.

use crate::{Cuda, Error, ErrorKind, Failed, Frame, FramePool, Plane};
use std::ffi::c_void;

mod device;

/// A CUcontext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context(pub *mut c_void);

/// A CUstream; null is the default stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream(pub *mut c_void);

/// A CUdeviceptr.
pub type Pointer = u64;

pub use crate::unsafe_api::Picture;

impl Frame<'_, Cuda> {
    /// The device pointer, pitch and size of a plane, for as long as the frame is borrowed. Work on it belongs on the device's
    /// [`stream`](crate::Device::stream), or behind an event recorded there: the decoder's write is queued on that stream.
    ///
    /// A null pointer and no rows if the format has no such plane: NV12 has 2.
    pub fn plane(&self, index: usize) -> Plane<'_, Pointer> {
        let (pointer, rows) = self.raw.cuda_plane(index).unwrap_or_default();
        Plane::new(pointer, rows)
    }
}

impl<'d> FramePool<'d, Cuda> {
    /// A frame of the application's own memory, not copied. `picture` is dropped when the last reference to the frame is,
    /// which for an encoder's input is when its packet is out: then it may be drawn into again. Its memory is freed after the encoder is
    /// closed, which has it registered until then ([`Picture`]). NVENC can register 64 pictures: use a ring.
    ///
    /// # Errors
    /// `WrongFormat` if the planes are not laid out as the pool's format asks: all of one pitch, of at least a row, each right
    /// behind the rows of the one before it, which is how NVENC reads them. The picture comes back.
    pub fn import<P: Picture>(&self, picture: P) -> Result<Frame<'d, Cuda>, Failed<P>> {
        let Some(pool) = self.buffer() else {
            return Err(Failed::new(Error::new(ErrorKind::WrongFormat, "import"), picture));
        };
        match crate::unsafe_api::import_cuda(pool, self.format(), picture) {
            Ok(raw) => Ok(Frame::from_raw(raw)),
            Err((error, picture)) => Err(Failed::new(error, picture)),
        }
    }
}

static_assertions::assert_impl_all!(crate::Decoder<'static, crate::OrSystem<Cuda>>: Send);
