//! DMA-BUFs as surfaces.

use crate::{
    Error, ErrorKind, Failed, Frame, FramePool, Result, Vaapi,
    drm::DmaBuf,
    raw::{RawFrame, backend::drm::Keep},
};

impl<'d> FramePool<'d, Vaapi> {
    /// The DMA-BUF as a surface, not copied (av_hwframe_map). The descriptors are closed when the last reference to the
    /// frame is dropped, which for an encoder's input is when its packet is out: until then nobody may draw into the
    /// picture.
    ///
    /// A driver that does not take the modifier is asked again without it, by FFmpeg, and goes by what the kernel knows
    /// of the buffer.
    ///
    /// # Errors
    /// The picture comes back with the reason. `WrongFormat` if it is not of the pool's size and format; `Unsupported`
    /// for planes in several buffers, which FFmpeg does not take; what the driver reports.
    pub fn import(&self, picture: DmaBuf) -> Result<Frame<'d, Vaapi>, Failed<DmaBuf>> {
        match self.check_and_import(&picture) {
            Ok((raw, keep)) => {
                // Nobody else has set it: the frame was made for this picture.
                let _ = keep.set(picture);
                Ok(Frame::from_raw(raw))
            }
            Err(error) => Err(Failed::new(error, picture)),
        }
    }

    fn check_and_import(&self, picture: &DmaBuf) -> Result<(RawFrame, Keep<DmaBuf>)> {
        let checked = picture.check(self, "import")?;
        if !checked.one_buffer {
            return Err(Error::new(ErrorKind::Unsupported, "import")
                .detail("FFmpeg takes a DMA-BUF for VA-API only if all its planes lie in one buffer"));
        }
        let pool = self.buffer().ok_or_else(|| Error::new(ErrorKind::WrongFormat, "import"))?;
        let size = checked.sizes.first().copied().unwrap_or(0);
        RawFrame::import_dma_buf(pool, picture, size)
    }
}
