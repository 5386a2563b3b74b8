//! AVBSFContext: FFmpeg's bitstream filters, which change packets and not pictures.

use crate::{
    error::{Error, ErrorKind, Result},
    ffi,
    raw::{
        RawPacket,
        avcodec::{context::Step, parameters::Parameters},
        avformat::stream::StreamInfo,
        c_string, check,
        log::Capture,
        out_of_memory,
    },
    types::{facts::Origin, time::Ratio},
};
use std::{
    ffi::CStr,
    ptr::{self, NonNull},
    sync::Arc,
};

/// A chain of bitstream filters, initialised.
pub(crate) struct BsfContext(NonNull<ffi::AVBSFContext>);

// SAFETY: an AVBSFContext has no thread affinity, and self is its one owner. It is not Sync.
unsafe impl Send for BsfContext {}

impl BsfContext {
    /// Filters as FFmpeg writes them: `name=option=value:option=value,name` (av_bsf_list_parse_str, av_bsf_init).
    pub(crate) fn new(chain: &str, parameters: &Parameters, time_base: Ratio) -> Result<Self> {
        crate::raw::strings::refuse_pointers(parameters.codec_id(), "av_bsf_init")?;
        refuse_unknown(chain)?;
        let wanted = c_string("bitstream filter", chain)?;
        let mut context = ptr::null_mut();
        let with_chain = |error: Error| {
            let kind = match error.kind() {
                ErrorKind::Other => ErrorKind::InvalidSetting { name: "bitstream filter".into() },
                kind => kind.clone(),
            };
            let reason = error.log().last().cloned().unwrap_or_else(|| error.kind().to_string());
            error.with_kind(kind).detail(format!("`{chain}` is refused: {reason}"))
        };
        // SAFETY: a terminated string; the context is allocated by the call.
        check("av_bsf_list_parse_str", || unsafe { ffi::av_bsf_list_parse_str(wanted.as_ptr(), &mut context) })
            .map_err(with_chain)?;
        let owner = NonNull::new(context).map(BsfContext).ok_or_else(|| out_of_memory("av_bsf_list_parse_str"))?;
        // SAFETY: the filter is allocated and not yet initialised, when its input's parameters and time base may be set.
        check("av_bsf_init", || unsafe {
            match ffi::avcodec_parameters_copy((*context).par_in, parameters.as_ptr()) {
                failed @ ..=-1 => failed,
                _ => {
                    (*context).time_base_in = time_base.ffmpeg();
                    ffi::av_bsf_init(context)
                }
            }
        })
        .map_err(with_chain)?;
        Ok(owner)
    }
    fn get(&self) -> &ffi::AVBSFContext {
        // SAFETY: self owns the context, and FFmpeg writes to it only in calls that take `&mut self`.
        unsafe { self.0.as_ref() }
    }
    /// What comes out: the stream that goes in, with an origin of its own and the filter's parameters and time base.
    pub(crate) fn output(&self, input: &StreamInfo) -> Result<StreamInfo> {
        // SAFETY: an initialised filter has its output's parameters.
        let parameters = unsafe { Parameters::with_side_data_of(self.get().par_out, &input.parameters) }?;
        let time_base = match Ratio::from(self.get().time_base_out) {
            known if known.is_known() => known,
            _ => input.time_base,
        };
        let origin = Origin::filter(parameters.codec_id());
        Ok(StreamInfo { origin, parameters: Arc::new(parameters), time_base, ..input.clone() })
    }
    /// av_bsf_send_packet: takes the packet's data unless it is full; `None` is the end of the stream.
    pub(crate) fn send(&mut self, packet: Option<&mut RawPacket>) -> Result<Step> {
        let (context, packet) = (self.0.as_ptr(), packet.map_or(ptr::null_mut(), |packet| packet.as_ptr()));
        // SAFETY: the filter is initialised; the packet is null or ours, and empty once it was taken.
        step("av_bsf_send_packet", || unsafe { ffi::av_bsf_send_packet(context, packet) })
    }
    /// av_bsf_receive_packet.
    pub(crate) fn receive(&mut self, packet: &mut RawPacket) -> Result<Step> {
        let context = self.0.as_ptr();
        // SAFETY: the filter is initialised; the packet is ours and empty.
        step("av_bsf_receive_packet", || unsafe { ffi::av_bsf_receive_packet(context, packet.as_ptr()) })
    }
    /// Puts a packet through a filter that gives one for one.
    pub(crate) fn run(&mut self, packet: &mut RawPacket) -> Result<()> {
        self.send(Some(packet))?;
        self.receive(packet).map(drop)
    }
    /// Discards what is inside (av_bsf_flush).
    pub(crate) fn reset(&mut self) {
        let _lines = Capture::start();
        // SAFETY: the filter is initialised.
        unsafe { ffi::av_bsf_flush(self.0.as_ptr()) }
    }
}

fn step(operation: &'static str, call: impl FnOnce() -> i32) -> Result<Step> {
    let mut again = None;
    let checked = check(operation, || match call() {
        ffi::AVERROR_EAGAIN => {
            again = Some(Step::Again);
            0
        }
        ffi::AVERROR_EOF => {
            again = Some(Step::End);
            0
        }
        code => code,
    });
    checked.map(|_| again.unwrap_or(Step::Done))
}

/// FFmpeg says of an unknown filter that it was not found, and not which it was.
fn refuse_unknown(chain: &str) -> Result<()> {
    for filter in chain.split(',') {
        let name = filter.split('=').next().unwrap_or_default().trim();
        let wanted = c_string("bitstream filter", name)?;
        // SAFETY: a terminated string; the result is null or static.
        if unsafe { ffi::av_bsf_get_by_name(wanted.as_ptr()) }.is_null() {
            let nearest = crate::raw::avutil::options::nearest(name, &names());
            let hint = nearest.as_ref().map_or(String::new(), |nearest| format!(": did you mean `{nearest}`?"));
            let detail = format!("this FFmpeg has no bitstream filter `{name}`{hint}");
            return Err(Error::new(ErrorKind::Unsupported, "av_bsf_get_by_name").detail(detail));
        }
    }
    Ok(())
}

/// Every bitstream filter's name.
fn names() -> std::collections::BTreeSet<String> {
    let mut state = ptr::null_mut();
    // SAFETY: the state is this frame's own; the result is null after the last one, else static.
    let filters = std::iter::from_fn(|| unsafe { ffi::av_bsf_iterate(&mut state).as_ref() });
    // SAFETY: a filter's name is a static terminated string.
    filters.map(|filter| unsafe { CStr::from_ptr(filter.name) }.to_string_lossy().into_owned()).collect()
}

impl Drop for BsfContext {
    fn drop(&mut self) {
        let _lines = Capture::start();
        let mut context = self.0.as_ptr();
        // SAFETY: self owns it and is not used again.
        unsafe { ffi::av_bsf_free(&mut context) }
    }
}

static_assertions::assert_impl_all!(BsfContext: Send);
static_assertions::assert_not_impl_any!(BsfContext: Sync, Clone);
