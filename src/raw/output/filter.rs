//! FFmpeg's bitstream filter `dump_extra`: the parameter sets before each keyframe, unless they are there.

use crate::raw::{PacketShell, Result, check, stream::Parameters};
use crate::{Error, ErrorKind, ffi};
use std::ptr::{self, NonNull};

/// An open AVBSFContext.
pub(super) struct HeaderFilter(NonNull<ffi::AVBSFContext>);

// SAFETY: an AVBSFContext has no thread affinity, and self is its one owner. It is not Sync.
unsafe impl Send for HeaderFilter {}

impl HeaderFilter {
    pub(super) fn new(parameters: &Parameters) -> Result<Self> {
        // SAFETY: a terminated string; the result is null or static.
        let Some(filter) = (unsafe { ffi::av_bsf_get_by_name(c"dump_extra".as_ptr()).as_ref() }) else {
            return Err(Error::new(ErrorKind::Unsupported, "av_bsf_get_by_name")
                .detail("this FFmpeg was built without the bitstream filter dump_extra"));
        };
        let mut context = ptr::null_mut();
        // SAFETY: the filter is static; the context is allocated by the call.
        check("av_bsf_alloc", || unsafe { ffi::av_bsf_alloc(filter, &mut context) })?;
        let Some(owner) = NonNull::new(context).map(HeaderFilter) else {
            return Err(crate::raw::out_of_memory("av_bsf_alloc"));
        };
        // SAFETY: the filter is allocated and not yet initialised, when its input's parameters may be set.
        check("av_bsf_init", || unsafe {
            match ffi::avcodec_parameters_copy((*context).par_in, parameters.as_ptr()) {
                failed @ ..=-1 => failed,
                _ => ffi::av_bsf_init(context),
            }
        })?;
        Ok(owner)
    }
    /// Puts the packet through: one in, one out.
    pub(super) fn run(&mut self, packet: &mut PacketShell) -> Result<()> {
        let (context, packet) = (self.0.as_ptr(), packet.as_ptr());
        // SAFETY: the filter is initialised, the packet ours; it is empty once it was taken, and then filled again.
        check("dump_extra", || unsafe {
            match ffi::av_bsf_send_packet(context, packet) {
                failed @ ..=-1 => failed,
                _ => ffi::av_bsf_receive_packet(context, packet),
            }
        })
        .map(drop)
    }
}

impl Drop for HeaderFilter {
    fn drop(&mut self) {
        let mut context = self.0.as_ptr();
        // SAFETY: self owns it and is not used again.
        unsafe { ffi::av_bsf_free(&mut context) }
    }
}
