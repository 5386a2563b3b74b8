//! FFmpeg's error codes: what kind of error each is.

use crate::{error::ErrorKind, ffi};
use std::io;

/// The kind that a code alone tells.
pub(crate) fn kind(code: i32) -> ErrorKind {
    match code {
        ffi::AVERROR_ENOMEM => ErrorKind::OutOfMemory,
        ffi::AVERROR_EOF => ErrorKind::EndOfStream,
        ffi::AVERROR_EAGAIN => ErrorKind::Full,
        ffi::AVERROR_INVALIDDATA => ErrorKind::InvalidData,
        ffi::AVERROR_STREAM_NOT_FOUND => ErrorKind::NoStream,
        ffi::AVERROR_ENODEV => ErrorKind::NoDevice,
        ffi::AVERROR_ENOENT => ErrorKind::Io(io::ErrorKind::NotFound),
        ffi::AVERROR_EACCES => ErrorKind::Io(io::ErrorKind::PermissionDenied),
        ffi::AVERROR_EEXIST => ErrorKind::Io(io::ErrorKind::AlreadyExists),
        ffi::AVERROR_ECONNREFUSED => ErrorKind::Io(io::ErrorKind::ConnectionRefused),
        ffi::AVERROR_ETIMEDOUT => ErrorKind::Io(io::ErrorKind::TimedOut),
        ffi::AVERROR_EPIPE => ErrorKind::Io(io::ErrorKind::BrokenPipe),
        ffi::AVERROR_ENOSPC => ErrorKind::Io(io::ErrorKind::StorageFull),
        ffi::AVERROR_EISDIR => ErrorKind::Io(io::ErrorKind::IsADirectory),
        ffi::AVERROR_EIO | ffi::AVERROR_HTTP_SERVER_ERROR => ErrorKind::Io(io::ErrorKind::Other),
        ffi::AVERROR_HTTP_NOT_FOUND => ErrorKind::Io(io::ErrorKind::NotFound),
        ffi::AVERROR_ENOSYS
        | ffi::AVERROR_ENOTSUP
        | ffi::AVERROR_PATCHWELCOME
        | ffi::AVERROR_ENCODER_NOT_FOUND
        | ffi::AVERROR_DECODER_NOT_FOUND
        | ffi::AVERROR_MUXER_NOT_FOUND
        | ffi::AVERROR_DEMUXER_NOT_FOUND
        | ffi::AVERROR_PROTOCOL_NOT_FOUND
        | ffi::AVERROR_BSF_NOT_FOUND => ErrorKind::Unsupported,
        _ => ErrorKind::Other,
    }
}
