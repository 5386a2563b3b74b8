//! AVCodecParser: where pictures begin and end in a bare bitstream.

use crate::{
    error::{Error, ErrorKind, Result},
    ffi,
    raw::{CodecContext, RawPacket, avcodec::parameters::Parameters, log::Capture},
};
use std::ptr::{self, NonNull};

/// An AVCodecParserContext, with the codec context that it writes what it finds to.
pub(crate) struct ParserContext {
    parser: NonNull<ffi::AVCodecParserContext>,
    codec: CodecContext,
    /// What was sent and not yet parsed begins at `start`; FFmpeg reads a little beyond the end, where there are zeros.
    bytes: Vec<u8>,
    start: usize,
    /// Presentation time of what was sent, until the parser has taken it.
    pts: i64,
    /// Calls in a row that neither took nor gave anything, of which a parser makes one or two while it looks back.
    idle: u32,
    /// Bytes that went in since the last picture came out.
    swallowed: usize,
}

/// Bytes that go in with one call. FFmpeg counts in 31 bits, and adds to them.
const AT_ONCE: usize = 1 << 26;
/// More than any coded picture has. FFmpeg keeps what belongs to one together, and counts that in 31 bits too.
const LARGEST: usize = 1 << 28;

const IDLE_AT_MOST: u32 = 16;

// SAFETY: an AVCodecParserContext has no thread affinity, and self is its one owner. It is not Sync.
unsafe impl Send for ParserContext {}

const PADDING: usize = ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize;

impl ParserContext {
    pub(crate) fn new(parameters: &Parameters) -> Result<Self> {
        let codec = CodecContext::decoder(parameters, None)?;
        let id = parameters.codec_id();
        // SAFETY: any id may be asked for.
        let parser = NonNull::new(unsafe { ffi::av_parser_init(CodecId::of(id)) }).ok_or_else(|| {
            let detail = format!("this FFmpeg has no parser for {}", ffi::names::codec(id));
            Error::new(ErrorKind::Unsupported, "av_parser_init").detail(detail)
        })?;
        Ok(ParserContext {
            parser,
            codec,
            bytes: vec![0; PADDING],
            start: 0,
            pts: ffi::AV_NOPTS_VALUE,
            idle: 0,
            swallowed: 0,
        })
    }
    /// Adds bytes; those that were there before come first.
    pub(crate) fn push(&mut self, bytes: &[u8], pts: Option<i64>) {
        let held = self.start..self.bytes.len() - PADDING;
        self.bytes.copy_within(held.clone(), 0);
        self.bytes.truncate(held.len());
        self.bytes.extend_from_slice(bytes);
        self.bytes.resize(held.len() + bytes.len() + PADDING, 0);
        (self.start, self.pts) = (0, pts.unwrap_or(ffi::AV_NOPTS_VALUE));
    }
    /// The next whole picture, copied into an empty packet; `false` when the bytes are used up (av_parser_parse2).
    pub(crate) fn next(&mut self, packet: &mut RawPacket) -> Result<bool> {
        while self.start + PADDING < self.bytes.len() {
            if self.parse(packet)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
    /// The last picture, whose end is the stream's; `false` if there is none.
    pub(crate) fn end(&mut self, packet: &mut RawPacket) -> Result<bool> {
        self.push(&[], None);
        self.parse(packet)
    }
    fn parse(&mut self, packet: &mut RawPacket) -> Result<bool> {
        let end = (self.bytes.len() - PADDING).min(self.start + AT_ONCE);
        // FFmpeg reads a little beyond the end, where zeros are due: what lies there comes back behind the call.
        let behind: [u8; PADDING] = std::array::from_fn(|index| std::mem::take(&mut self.bytes[end + index]));
        let parsed = self.parse_to(end, packet);
        self.bytes[end..end + PADDING].copy_from_slice(&behind);
        parsed
    }
    fn parse_to(&mut self, end: usize, packet: &mut RawPacket) -> Result<bool> {
        let pending = &self.bytes[self.start..end + PADDING];
        #[cfg(all(avsluice_canaries, target_os = "linux"))]
        let pending = crate::raw::canary::Lent::copy_of(pending)?;
        let length = i32::try_from(end - self.start).unwrap_or(0);
        let (mut found, mut size) = (ptr::null_mut(), 0);
        let _lines = Capture::start();
        // SAFETY: parser and codec context are live; the bytes have this length and zeros of the padding's size behind them; what is
        // found lies in them or in the parser's own memory until the next call.
        let taken = unsafe {
            ffi::av_parser_parse2(
                self.parser.as_ptr(),
                self.codec.as_ptr(),
                &mut found,
                &mut size,
                pending.as_ptr(),
                length,
                std::mem::replace(&mut self.pts, ffi::AV_NOPTS_VALUE),
                ffi::AV_NOPTS_VALUE,
                0,
            )
        };
        let taken = usize::try_from(taken).map_err(|_| Error::new(ErrorKind::InvalidData, "av_parser_parse2"))?;
        self.start += taken;
        let size = usize::try_from(size).unwrap_or(0);
        self.swallowed += taken;
        if found.is_null() || size == 0 {
            if self.swallowed > LARGEST {
                return Err(self.begin_anew());
            }
            self.idle = if taken == 0 && length > 0 { self.idle + 1 } else { 0 };
            if self.idle > IDLE_AT_MOST {
                (self.start, self.idle) = (self.bytes.len() - PADDING, 0);
                return Err(stuck());
            }
            return Ok(false);
        }
        (self.idle, self.swallowed) = (0, 0);
        // SAFETY: the parser says that so many bytes lie there; they are copied before its next call.
        packet.prepend(unsafe { std::slice::from_raw_parts(found, size) })?;
        // SAFETY: the parser is live.
        let parser = unsafe { self.parser.as_ref() };
        let is_key =
            parser.key_frame == 1 || (parser.key_frame == -1 && parser.pict_type == ffi::AV_PICTURE_TYPE_I.0 as i32);
        let raw = packet.get_mut();
        (raw.pts, raw.dts) = (parser.pts, parser.dts);
        raw.flags = if is_key { ffi::AV_PKT_FLAG_KEY } else { 0 };
        Ok(true)
    }
}

impl ParserContext {
    /// No picture is so large: what is inside is given up.
    fn begin_anew(&mut self) -> Error {
        // SAFETY: any id may be asked for.
        if let Some(parser) = NonNull::new(unsafe { ffi::av_parser_init(CodecId::of(self.codec.codec_id())) }) {
            // SAFETY: self owns the old one, which is not used again.
            unsafe { ffi::av_parser_close(std::mem::replace(&mut self.parser, parser).as_ptr()) }
        }
        (self.start, self.swallowed, self.idle) = (self.bytes.len() - PADDING, 0, 0);
        Error::new(ErrorKind::InvalidData, "av_parser_parse2")
            .detail(format!("there is no picture in {LARGEST} bytes: they are passed over"))
    }
}

fn stuck() -> Error {
    Error::new(ErrorKind::InvalidData, "av_parser_parse2").detail("the parser takes nothing of this")
}

/// The id is an `int` to this function up to FFmpeg 8 or so, and then an enum.
trait CodecId {
    fn of(id: ffi::AVCodecID) -> Self;
}
impl CodecId for i32 {
    fn of(id: ffi::AVCodecID) -> Self {
        i32::try_from(id.0).unwrap_or(0)
    }
}
impl CodecId for ffi::AVCodecID {
    fn of(id: ffi::AVCodecID) -> Self {
        id
    }
}

impl Drop for ParserContext {
    fn drop(&mut self) {
        // SAFETY: self owns it and is not used again.
        unsafe { ffi::av_parser_close(self.parser.as_ptr()) }
    }
}

static_assertions::assert_impl_all!(ParserContext: Send);
static_assertions::assert_not_impl_any!(ParserContext: Sync, Clone);
