//! av_hwframe_map: device memory that the host reads in place.

use super::{
    FrameShell, Result, check,
    shell::{Facts, Shell},
};
use crate::{ErrorKind, ffi, frame::Mapping};

impl FrameShell {
    /// A frame of host memory whose rows are the picture's own, or a copy that the driver keeps for as long as the frame lives. It
    /// refers to the device's frame, and is read only: other mappings may give the same addresses.
    pub(crate) fn mapped(&self, mapping: Mapping) -> Result<FrameShell> {
        let mut mapped: FrameShell = Shell::new()?;
        let direct = if mapping == Mapping::Direct { ffi::AV_HWFRAME_MAP_DIRECT } else { 0 };
        let flags = (ffi::AV_HWFRAME_MAP_READ | direct) as i32;
        mapped.get_mut().format = match (mapping, self.pool()) {
            (Mapping::Copy, Some(pool)) => pool.host_pixels().ffmpeg().0,
            _ => self.format().pixels.ffmpeg().0,
        };
        let (target, source) = (mapped.as_ptr(), self.as_ptr());
        // SAFETY: the source is live and only read, the target empty and ours. On success the target holds a reference to the source.
        check("av_hwframe_map", || unsafe { ffi::av_hwframe_map(target, source, flags) }).map_err(|error| {
            // ENOSYS and EINVAL are FFmpeg's answers when nothing was tried: they come with no line in the log.
            match (error.kind(), mapping) {
                (ErrorKind::Unsupported, _) => error.detail("this memory cannot be mapped for the host: use download"),
                (ErrorKind::InvalidSetting { .. } | ErrorKind::Other, Mapping::Direct) if error.log().is_empty() => {
                    error
                        .with_kind(ErrorKind::Unsupported)
                        .detail("the driver cannot show the host this memory itself: use Mapping::Copy")
                }
                _ => error,
            }
        })?;
        *mapped.facts_mut() = Facts { mapped: true, ..self.facts() };
        Ok(mapped)
    }
}
