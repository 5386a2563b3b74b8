//! What a decoder answers when FFmpeg asks for a pixel format: each backend has a function that captures nothing,
//! never unwinds, and never falls back unless the type says so.

use crate::ffi;
use std::sync::atomic::{AtomicI32, Ordering};

/// Behind AVCodecContext.opaque: what the stream offered when it was refused. Atomic, for frame threads ask too.
pub(crate) struct FormatChoice {
    refused: AtomicI32,
}

/// Nothing was refused.
const NOTHING: i32 = -1;

impl FormatChoice {
    pub(crate) fn new() -> Self {
        FormatChoice { refused: AtomicI32::new(NOTHING) }
    }
    /// The software format of a stream that the device cannot decode, once FFmpeg has offered no other.
    pub(crate) fn refused(&self) -> Option<ffi::AVPixelFormat> {
        let format = self.refused.load(Ordering::Relaxed);
        (format != NOTHING).then_some(ffi::AVPixelFormat(format))
    }
}

/// AVCodecContext.get_format.
pub(crate) type GetFormat =
    unsafe extern "C" fn(*mut ffi::AVCodecContext, *const ffi::AVPixelFormat) -> ffi::AVPixelFormat;

/// Defines a backend's two functions: one takes its pixel format alone, one falls back to host memory.
macro_rules! get_format {
    ($only:ident, $or_system:ident, $format:ident) => {
        unsafe extern "C" fn $only(
            context: *mut ffi::AVCodecContext,
            offered: *const ffi::AVPixelFormat,
        ) -> ffi::AVPixelFormat {
            // SAFETY: FFmpeg calls this with its own context and a list that ends with AV_PIX_FMT_NONE.
            unsafe { $crate::raw::avcodec::get_format::choose(context, offered, ffi::$format, false) }
        }
        unsafe extern "C" fn $or_system(
            context: *mut ffi::AVCodecContext,
            offered: *const ffi::AVPixelFormat,
        ) -> ffi::AVPixelFormat {
            // SAFETY: as above.
            unsafe { $crate::raw::avcodec::get_format::choose(context, offered, ffi::$format, true) }
        }
    };
}
pub(in crate::raw) use get_format;

/// Takes the device's format, if it is offered; else the software one where the type says so.
///
/// # Safety
/// `offered` ends with AV_PIX_FMT_NONE; the context's opaque is null or a live [`FormatChoice`].
pub(in crate::raw) unsafe fn choose(
    context: *mut ffi::AVCodecContext,
    offered: *const ffi::AVPixelFormat,
    wanted: ffi::AVPixelFormat,
    or_system: bool,
) -> ffi::AVPixelFormat {
    let mut software = ffi::AV_PIX_FMT_NONE;
    let mut entry = offered;
    // SAFETY: the list is FFmpeg's and terminated; the loop stops at its end. The context's opaque is as below.
    unsafe {
        while *entry != ffi::AV_PIX_FMT_NONE {
            if *entry == wanted {
                // What was refused before is past: the stream has changed. Should the device not take it, FFmpeg asks again.
                if let Some(format_choice) = (*context).opaque.cast::<FormatChoice>().as_ref() {
                    format_choice.refused.store(NOTHING, Ordering::Relaxed);
                }
                return wanted;
            }
            if !ffi::pixel::is_hardware(*entry) {
                software = *entry;
            }
            entry = entry.add(1);
        }
    }
    if or_system {
        return software;
    }
    // SAFETY: the codec that opened this context keeps its FormatChoice alive until the context is freed.
    if let Some(format_choice) = unsafe { (*context).opaque.cast::<FormatChoice>().as_ref() } {
        format_choice.refused.store(software.0, Ordering::Relaxed);
    }
    ffi::AV_PIX_FMT_NONE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::avformat::{input, interrupt_callback, stream::StreamInfo, url};
    use crate::raw::{
        CodecContext,
        backend::{Backend as _, cuda},
    };

    #[test]
    fn a_refusal_is_past_once_the_stream_can_be_decoded() {
        let url = url::Url::new(&media::standard().path).unwrap();
        let setup = input::InputSetup {
            format: None,
            options: &[],
            interrupt_callback: interrupt_callback::InterruptCallback::new(None, None),
        };
        let input = input::Input::open(url, None, &setup).unwrap();
        let stream: StreamInfo = input.stream(input.best_video().unwrap()).unwrap();
        let context = CodecContext::decoder(&stream.parameters, None).unwrap();
        let choose = cuda::Backend.get_format(false);
        let ask = |offered: &[ffi::AVPixelFormat]| {
            // SAFETY: the context is live, its opaque a FormatChoice, and the lists below end with AV_PIX_FMT_NONE.
            unsafe { choose(context.as_ptr(), offered.as_ptr()) }
        };
        let (software, none) = (ffi::AV_PIX_FMT_YUV420P, ffi::AV_PIX_FMT_NONE);
        assert!(ask(&[software, none]) == none);
        assert!(context.refused().is_some());
        assert!(ask(&[ffi::AV_PIX_FMT_CUDA, software, none]) == ffi::AV_PIX_FMT_CUDA);
        assert!(context.refused().is_none());
    }
}
