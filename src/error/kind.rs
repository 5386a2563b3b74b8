//! What a program can match on.

use std::{fmt, time::Duration};

/// What a program can match on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The driver is there, the device is not.
    NoDevice,
    /// A driver library cannot be loaded (libcuda.so.1, libnvidia-encode.so.1, libnvcuvid.so.1, libva's driver for the GPU).
    DriverMissing,
    /// The driver is older than FFmpeg was built for.
    DriverTooOld {
        /// What FFmpeg needs.
        required: String,
        /// What the driver offers.
        found: String,
    },
    /// FFmpeg's run-time libraries are of another major version than the headers that avsluice was built with.
    LibraryMismatch {
        /// The library, such as `libavcodec`.
        library: String,
        /// Major version of the headers.
        required: u32,
        /// Major version of the library.
        found: u32,
    },
    /// The driver allows no further encoding session.
    SessionLimit,
    /// The device's memory or a pool of fixed size has no frame left: frames are held that could be dropped, or
    /// [`extra_frames`](crate::Decoder::extra_frames) is too small.
    PoolExhausted,
    /// The codec has no option of that name.
    OptionUnknown {
        /// The name as given.
        name: String,
        /// The option whose name is nearest to it.
        nearest: Option<String>,
    },
    /// The option exists in a later FFmpeg than the one in use.
    OptionUnavailable {
        /// FFmpeg's name of the option.
        name: String,
        /// The FFmpeg release that has it.
        since: String,
    },
    /// A setting is out of range, contradicts another, or is missing where it is needed.
    InvalidSetting {
        /// The setting's name.
        name: String,
    },
    /// This codec, device, container or FFmpeg build cannot do it.
    Unsupported,
    /// The frame lives on another device than the codec works on.
    WrongDevice,
    /// The frame has another size, pixel format or memory than the codec was opened for.
    WrongFormat,
    /// The packet is of another stream than the track, decoder or filter that it was sent to. See
    /// [`Packet::trusted`](crate::Packet::trusted).
    WrongStream,
    /// The file is being read by a demuxer of this process, or written by another muxer: it would be destroyed.
    FileInUse,
    /// No packet was written before the output was finished: nothing can be played.
    NoPackets,
    /// The codec is full: what the last `Ready` held was not taken. Take it with `receive`, then send again.
    Full,
    /// An earlier hard error: nothing more can be sent. The error's `source` is that error.
    Poisoned,
    /// The codec did not reach its end of stream within the limit.
    DrainStalled {
        /// Frames sent and not received.
        in_flight: usize,
    },
    /// The device still has this many references besides its owner when it is closed.
    InUse {
        /// References left.
        references: usize,
    },
    /// A teardown did not end in its time and goes on in the background.
    CloseTimedOut {
        /// The time that was allowed.
        after: Duration,
    },
    /// The stream has no frame, or gave none in 4096 packets.
    NoFrame,
    /// The file has no stream of that kind.
    NoStream,
    /// The data is damaged, or not of the format that it claims.
    InvalidData,
    /// Something was sent after the end of the stream.
    EndOfStream,
    /// Reading or writing failed.
    Io(std::io::ErrorKind),
    /// The other side of a connection gave no answer in the time that it had.
    TimedOut {
        /// The time that was allowed.
        after: Duration,
    },
    /// An [`Interrupt`](crate::types::interrupt::Interrupt) ended the call.
    Interrupted,
    /// The demuxer has sought since the decoder's last packet, and the decoder was not reset: it would mix pictures of both places.
    NotReset,
    /// Memory ran out.
    OutOfMemory,
    /// Anything else: see the code and the log.
    Other,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ErrorKind::*;
        match self {
            NoDevice => write!(f, "no such device"),
            DriverMissing => write!(f, "a driver library is missing"),
            DriverTooOld { required, found } => write!(f, "the driver is too old: {found} found, {required} required"),
            LibraryMismatch { library, required, found } => write!(
                f,
                "avsluice was built for {library} {required}, the one loaded is {found}: rebuild, or install the other"
            ),
            SessionLimit => write!(f, "no further encoding session is allowed"),
            PoolExhausted => write!(f, "no frame is left in the pool"),
            OptionUnknown { name, nearest: Some(nearest) } => {
                write!(f, "there is no option `{name}`: did you mean `{nearest}`?")
            }
            OptionUnknown { name, nearest: None } => write!(f, "there is no option `{name}`"),
            OptionUnavailable { name, since } => write!(f, "option `{name}` needs FFmpeg {since} or later"),
            InvalidSetting { name } => write!(f, "setting `{name}` is not valid"),
            Unsupported => write!(f, "not supported"),
            WrongDevice => write!(f, "the frame is on another device than the codec"),
            WrongFormat => write!(f, "the frame's size, pixel format or memory is not what the codec was opened for"),
            WrongStream => write!(f, "the packet is of another stream"),
            FileInUse => write!(f, "the file is in use: write to another"),
            NoPackets => write!(f, "no packet was written"),
            Full => write!(f, "the codec is full: receive what is ready, then send again"),
            Poisoned => write!(f, "the codec failed before and takes nothing more"),
            DrainStalled { in_flight } => {
                write!(f, "the codec did not come to its end: {in_flight} frames are still inside")
            }
            InUse { references } => write!(f, "{references} references to the device are left"),
            CloseTimedOut { after } => write!(f, "the teardown took longer than {after:?}"),
            NoFrame => write!(f, "the stream has no frame"),
            NoStream => write!(f, "the file has no such stream"),
            InvalidData => write!(f, "the data is damaged or of another format"),
            EndOfStream => write!(f, "the stream has ended"),
            Io(kind) => write!(f, "{kind}"),
            TimedOut { after } => write!(f, "no answer within {after:?}"),
            Interrupted => write!(f, "interrupted"),
            NotReset => write!(f, "the decoder was not reset after a seek"),
            OutOfMemory => write!(f, "out of memory"),
            Other => write!(f, "failed"),
        }
    }
}
