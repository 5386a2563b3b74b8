//! libnvidia-encode: the two functions it exports, and the table of the others.

mod buffers;
mod encode;
mod guid;
mod initialize;
mod layout;
mod pixels;
mod query;
mod resource;
mod session;

use crate::api::{Out, last_failure};
use crate::ledger::{self, Handle};
use crate::status::nv;
use buffers::*;
use encode::*;
use initialize::*;
use layout::FunctionList;
use query::*;
use resource::*;
use session::*;
use std::ffi::{CStr, c_char};

macro_rules! unimplemented {
    ($($function:ident)*) => { api! { table; $( fn $function() { Err(nv::UNIMPLEMENTED) } )* } };
}
unimplemented! {
    nvEncGetEncodeStats nvEncRegisterAsyncEvent nvEncUnregisterAsyncEvent nvEncInvalidateRefFrames
    nvEncCreateMVBuffer nvEncDestroyMVBuffer nvEncRunMotionEstimationOnly
}

api! { table;
    /// The streams are where the program's own work on inputs and outputs is ordered; here all work is done at once.
    fn nvEncSetIOCudaStreams(encoder: Handle, input: Out<Handle>, output: Out<Handle>) {
        with(encoder, "nvEncSetIOCudaStreams", |_| {
            for stream in [input, output] {
                let stream = *stream.structure(nv::INVALID_PTR)?;
                if stream > 2 && !ledger::lock().check(stream, ledger::Kind::Stream, "nvEncSetIOCudaStreams") {
                    return Err(nv::INVALID_PARAM);
                }
            }
            Ok(())
        })
    }
}

/// What this thread's last failure was. The real driver's sentences differ.
///
/// # Safety
/// None is needed; the type is the interface's.
#[allow(non_snake_case)]
pub unsafe extern "C" fn nvEncGetLastErrorString(_encoder: Handle) -> *const c_char {
    let text: &CStr = match last_failure() {
        nv::UNSUPPORTED_DEVICE => c"SIMULATED driver: this GPU has no encoder",
        nv::INVALID_DEVICE => c"SIMULATED driver: the device's context is not alive",
        nv::INVALID_PARAM => c"SIMULATED driver: a parameter is out of range",
        nv::OUT_OF_MEMORY => c"SIMULATED driver: out of memory, or the limit of encode sessions",
        nv::UNSUPPORTED_PARAM => c"SIMULATED driver: a parameter asks for what cannot be encoded",
        nv::INVALID_VERSION => c"SIMULATED driver: built for an interface version that is not offered",
        nv::INCOMPATIBLE_CLIENT_KEY => c"SIMULATED driver: the limit of encode sessions is reached",
        _ => c"SIMULATED driver: no details",
    };
    text.as_ptr()
}

api! { export;
    fn NvEncodeAPIGetMaxSupportedVersion(version: Out<u32>) {
        let (major, minor) = ledger::lock().config.nvenc_version;
        version.set(major << 4 | minor).map_err(|_| nv::INVALID_PTR)
    }

    fn NvEncodeAPICreateInstance(list: Out<FunctionList>) {
        let list = layout::structure(list)?;
        list.functions = [
            nvEncOpenEncodeSession as *const (),
            nvEncGetEncodeGUIDCount as *const (),
            nvEncGetEncodeProfileGUIDCount as *const (),
            nvEncGetEncodeProfileGUIDs as *const (),
            nvEncGetEncodeGUIDs as *const (),
            nvEncGetInputFormatCount as *const (),
            nvEncGetInputFormats as *const (),
            nvEncGetEncodeCaps as *const (),
            nvEncGetEncodePresetCount as *const (),
            nvEncGetEncodePresetGUIDs as *const (),
            nvEncGetEncodePresetConfig as *const (),
            nvEncInitializeEncoder as *const (),
            nvEncCreateInputBuffer as *const (),
            nvEncDestroyInputBuffer as *const (),
            nvEncCreateBitstreamBuffer as *const (),
            nvEncDestroyBitstreamBuffer as *const (),
            nvEncEncodePicture as *const (),
            nvEncLockBitstream as *const (),
            nvEncUnlockBitstream as *const (),
            nvEncLockInputBuffer as *const (),
            nvEncUnlockInputBuffer as *const (),
            nvEncGetEncodeStats as *const (),
            nvEncGetSequenceParams as *const (),
            nvEncRegisterAsyncEvent as *const (),
            nvEncUnregisterAsyncEvent as *const (),
            nvEncMapInputResource as *const (),
            nvEncUnmapInputResource as *const (),
            nvEncDestroyEncoder as *const (),
            nvEncInvalidateRefFrames as *const (),
            nvEncOpenEncodeSessionEx as *const (),
            nvEncRegisterResource as *const (),
            nvEncUnregisterResource as *const (),
            nvEncReconfigureEncoder as *const (),
            std::ptr::null(),
            nvEncCreateMVBuffer as *const (),
            nvEncDestroyMVBuffer as *const (),
            nvEncRunMotionEstimationOnly as *const (),
            nvEncGetLastErrorString as *const (),
            nvEncSetIOCudaStreams as *const (),
            nvEncGetEncodePresetConfigEx as *const (),
            nvEncGetSequenceParamEx as *const (),
        ];
        Ok(())
    }
}
