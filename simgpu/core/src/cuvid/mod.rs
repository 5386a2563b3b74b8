//! libnvcuvid: decoding of 8-bit 4:2:0 H.264, bit-exact, on the CPU.
//!
//! | module | what it is |
//! |---|---|
//! | [`decoder`] | decoders: picture indices, mapped frames, the rules a program must keep |
//! | [`parser`] | the video parser of the `*_cuvid` decoders, with [`surface_pool`], [`mod@format`] and [`tickets`] |
//! | [`parameters`] | picture parameters in the words of [`crate::decode`], which decodes the slices |
//! | [`postprocess`] | mapping: crop, scale, deinterlace, NV12 |
//! | [`caps`] | what is supported; everything else is refused by name |
//! | [`context_lock`] | `cuvidCtxLock*` |
//! | [`structs`] | NVIDIA's structures |
//!
//! A refusal is an error status and a `REFUSED` line in the call log, which names what is not supported.
mod caps;
mod context_lock;
mod decoder;
mod format;
mod parameters;
mod parser;
mod postprocess;
mod structs;
mod surface_pool;
mod tickets;

use crate::api::Out;
use crate::context;
use crate::report;
use crate::status::{Outcome, Status, cu};
use std::ffi::{c_char, c_int, c_uint, c_void};
use structs::{
    CreateInfo, DecodeCaps, DecodeStatus, ParserParams, PicParams, ProcParams, ReconfigureInfo, SourceDataPacket,
};

/// Fails with `status`, and says why in the call log.
fn refuse<T>(function: &str, why: &str, status: Status) -> Outcome<T> {
    report::log_call(|line| line.push_str(&format!("REFUSED {function}: {why}")));
    Err(status)
}

api! { export;
    fn cuvidGetDecoderCaps(caps: Out<DecodeCaps>) {
        context::require()?;
        caps::fill(caps.structure(cu::INVALID_VALUE)?);
        Ok(())
    }

    fn cuvidCreateDecoder(decoder: Out<usize>, info: Out<CreateInfo>) {
        if decoder.is_null() {
            return Err(cu::INVALID_VALUE);
        }
        decoder.set(decoder::create(info.structure(cu::INVALID_VALUE)?)?)
    }

    fn cuvidDestroyDecoder(decoder: usize) {
        decoder::destroy(decoder)
    }

    fn cuvidDecodePicture(decoder: usize, params: Out<PicParams>) {
        decoder::decode(decoder, params.structure(cu::INVALID_VALUE)?)
    }

    fn cuvidGetDecodeStatus(decoder: usize, index: c_int, status: Out<DecodeStatus>) {
        status.structure(cu::INVALID_VALUE)?.status = decoder::status(decoder, index)?;
        Ok(())
    }

    fn cuvidReconfigureDecoder(decoder: usize, info: Out<ReconfigureInfo>) {
        decoder::reconfigure(decoder, info.structure(cu::INVALID_VALUE)?)
    }

    fn cuvidMapVideoFrame64(
        decoder: usize, index: c_int, pointer: Out<u64>, pitch: Out<c_uint>, how: Out<ProcParams>,
    ) {
        if pointer.is_null() || pitch.is_null() {
            return Err(cu::INVALID_VALUE);
        }
        let how = how.structure(cu::INVALID_VALUE).ok();
        let (frame, bytes) = decoder::map(decoder, index, how.as_deref())?;
        pitch.set(bytes)?;
        pointer.set(frame)
    }

    fn cuvidUnmapVideoFrame64(decoder: usize, pointer: u64) {
        decoder::unmap(decoder, pointer)
    }

    /// Device addresses do not fit its 32 bits.
    fn cuvidMapVideoFrame(
        decoder: usize, index: c_int, pointer: Out<c_uint>, pitch: Out<c_uint>, how: Out<ProcParams>,
    ) {
        refuse("cuvidMapVideoFrame", "32-bit device addresses", cu::NOT_SUPPORTED)
    }

    fn cuvidUnmapVideoFrame(decoder: usize, pointer: c_uint) {
        refuse("cuvidUnmapVideoFrame", "32-bit device addresses", cu::NOT_SUPPORTED)
    }

    fn cuvidCtxLockCreate(lock: Out<usize>, context: usize) {
        if lock.is_null() {
            return Err(cu::INVALID_VALUE);
        }
        lock.set(context_lock::create(context)?)
    }

    fn cuvidCtxLockDestroy(lock: usize) {
        context_lock::destroy(lock)
    }

    fn cuvidCtxLock(lock: usize, flags: c_uint) {
        context_lock::acquire(lock)
    }

    fn cuvidCtxUnlock(lock: usize, flags: c_uint) {
        context_lock::release(lock)
    }

    fn cuvidCreateVideoParser(parser: Out<usize>, params: Out<ParserParams>) {
        if parser.is_null() {
            return Err(cu::INVALID_VALUE);
        }
        parser.set(parser::create(params.structure(cu::INVALID_VALUE)?)?)
    }

    fn cuvidParseVideoData(parser: usize, packet: Out<SourceDataPacket>) {
        let packet = packet.structure(cu::INVALID_VALUE)?;
        let size = usize::try_from(packet.payload_size).unwrap_or(usize::MAX);
        if size > isize::MAX as usize || (packet.payload.is_null() && size != 0) {
            return Err(cu::INVALID_VALUE);
        }
        let payload = if size == 0 {
            &[]
        } else {
            // SAFETY: by the driver interface `payload` points to payload_size readable bytes during the call.
            unsafe { std::slice::from_raw_parts(packet.payload, size) }
        };
        parser::parse(parser, &parser::Packet { flags: packet.flags, payload, timestamp: packet.timestamp })
    }

    fn cuvidDestroyVideoParser(parser: usize) {
        parser::destroy(parser)
    }
}

// Video sources demultiplex files, which nobody lets a driver do; FFmpeg loads the symbols and never calls them.
api! { export;
    fn cuvidCreateVideoSource(source: Out<usize>, path: *const c_char, params: *mut c_void) {
        refuse("cuvidCreateVideoSource", "video sources", cu::NOT_SUPPORTED)
    }

    fn cuvidCreateVideoSourceW(source: Out<usize>, path: *const u32, params: *mut c_void) {
        refuse("cuvidCreateVideoSourceW", "video sources", cu::NOT_SUPPORTED)
    }

    fn cuvidDestroyVideoSource(source: usize) {
        Err(cu::INVALID_HANDLE)
    }

    fn cuvidSetVideoSourceState(source: usize, state: c_int) {
        Err(cu::INVALID_HANDLE)
    }

    /// Its result is a state: this is `cudaVideoState_Error`.
    fn cuvidGetVideoSourceState(source: usize) {
        Err(Status(u32::MAX))
    }

    fn cuvidGetSourceVideoFormat(source: usize, format: *mut c_void, flags: c_uint) {
        Err(cu::INVALID_HANDLE)
    }

    fn cuvidGetSourceAudioFormat(source: usize, format: *mut c_void, flags: c_uint) {
        Err(cu::INVALID_HANDLE)
    }
}
