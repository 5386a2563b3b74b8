//! What a picture is besides its pixels: colour, aspect ratio, HDR metadata. Carried from a decoded frame to the encoder's
//! context, and from there to the muxer's stream.

use crate::{
    error::Result,
    ffi,
    raw::{RawFrame, avcodec::parameters::Parameters, out_of_memory},
    types::{
        color::{Color, ColorRange},
        pixel::FieldOrder,
        time::Ratio,
    },
};
use std::slice;

/// Taken from a frame; an encoder is configured with it.
#[derive(Clone, Default)]
pub(crate) struct Picture {
    pub(crate) sample_aspect_ratio: Ratio,
    pub(crate) color: Color,
    pub(crate) chroma_location: u32,
    pub(crate) frame_rate: Ratio,
    /// `None` where nobody said.
    pub(crate) field_order: Option<FieldOrder>,
    pub(crate) side_data: Vec<SideData>,
}

/// A block of side data that a container can hold.
#[derive(Clone)]
pub(crate) struct SideData {
    #[cfg(has_decoded_side_data)]
    on_frame: ffi::AVFrameSideDataType,
    kind: ffi::AVPacketSideDataType,
    bytes: Vec<u8>,
}

/// Frame side data that describes the whole stream, and the packet side data that containers store it as.
const STREAM_WIDE: [(ffi::AVFrameSideDataType, ffi::AVPacketSideDataType); 6] = [
    (ffi::AV_FRAME_DATA_MASTERING_DISPLAY_METADATA, ffi::AV_PKT_DATA_MASTERING_DISPLAY_METADATA),
    (ffi::AV_FRAME_DATA_CONTENT_LIGHT_LEVEL, ffi::AV_PKT_DATA_CONTENT_LIGHT_LEVEL),
    (ffi::AV_FRAME_DATA_DISPLAYMATRIX, ffi::AV_PKT_DATA_DISPLAYMATRIX),
    (ffi::AV_FRAME_DATA_SPHERICAL, ffi::AV_PKT_DATA_SPHERICAL),
    (ffi::AV_FRAME_DATA_STEREO3D, ffi::AV_PKT_DATA_STEREO3D),
    (ffi::AV_FRAME_DATA_ICC_PROFILE, ffi::AV_PKT_DATA_ICC_PROFILE),
];

/// What a stream says of all its frames, to be put on each: FFmpeg before 6.1 puts it on the first one alone, and no
/// version does where a decoder makes its frames by itself (`h264_cuvid`).
pub(crate) struct StreamFacts(Vec<StreamFact>);

struct StreamFact {
    on_frame: ffi::AVFrameSideDataType,
    bytes: Box<[u8]>,
}

impl StreamFacts {
    /// Those of a stream. Without any, which most streams are, nothing is allocated.
    pub(crate) fn of(stream: &Parameters) -> Self {
        let fact = |&(on_frame, kind): &(_, _)| {
            stream.side_data(kind).map(|bytes| StreamFact { on_frame, bytes: bytes.into() })
        };
        StreamFacts(STREAM_WIDE.iter().filter_map(fact).collect())
    }
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Puts on the frame what it does not say itself: the coded picture's own word goes before the container's.
    pub(crate) fn complete(&self, frame: &mut RawFrame) -> Result<()> {
        for StreamFact { on_frame, bytes } in &self.0 {
            // SAFETY: the frame is borrowed mutably and live.
            if !unsafe { ffi::av_frame_get_side_data(frame.as_ptr(), *on_frame) }.is_null() {
                continue;
            }
            // SAFETY: as above; FFmpeg allocates the new entry's data and gives the entry to the frame.
            let entry = unsafe { ffi::av_frame_new_side_data(frame.as_ptr(), *on_frame, bytes.len()).as_ref() };
            let entry = entry.ok_or_else(|| out_of_memory("av_frame_new_side_data"))?;
            // SAFETY: the entry's data has this size, and is no part of our own bytes.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), entry.data, bytes.len()) };
        }
        Ok(())
    }
}

impl Picture {
    /// What the frame says.
    pub(in crate::raw) fn of(frame: &ffi::AVFrame, frame_rate: Ratio, field_order: FieldOrder) -> Self {
        let side_data = STREAM_WIDE.iter().filter_map(|&(on_frame, kind)| {
            // SAFETY: the frame is borrowed and live; the result is null or lives as long as the frame.
            let found = unsafe { ffi::av_frame_get_side_data(frame, on_frame).as_ref() }?;
            // SAFETY: FFmpeg keeps `size` bytes at `data`, and the frame is borrowed while they are copied.
            let bytes = unsafe { slice::from_raw_parts(found.data, found.size) }.to_vec();
            Some(SideData {
                #[cfg(has_decoded_side_data)]
                on_frame,
                kind,
                bytes,
            })
        });
        Picture {
            sample_aspect_ratio: frame.sample_aspect_ratio.into(),
            color: Color {
                range: match frame.color_range {
                    ffi::AVCOL_RANGE_MPEG => ColorRange::Limited,
                    ffi::AVCOL_RANGE_JPEG => ColorRange::Full,
                    _ => ColorRange::Unspecified,
                },
                primaries: code_point(frame.color_primaries.0),
                transfer: code_point(frame.color_trc.0),
                matrix: code_point(frame.colorspace.0),
            },
            chroma_location: frame.chroma_location.0,
            frame_rate,
            field_order: Some(field_order),
            side_data: side_data.collect(),
        }
    }
    /// Writes it to an encoder's context that is not yet open.
    pub(in crate::raw) fn apply(&self, context: &mut ffi::AVCodecContext) -> Result<()> {
        context.sample_aspect_ratio = self.sample_aspect_ratio.ffmpeg();
        if self.sample_aspect_ratio.den == 0 {
            context.sample_aspect_ratio = ffi::AVRational { num: 0, den: 1 };
        }
        context.color_range = match self.color.range {
            ColorRange::Limited => ffi::AVCOL_RANGE_MPEG,
            ColorRange::Full => ffi::AVCOL_RANGE_JPEG,
            ColorRange::Unspecified => ffi::AVCOL_RANGE_UNSPECIFIED,
        };
        context.color_primaries = ffi::AVColorPrimaries(self.color.primaries.into());
        context.color_trc = ffi::AVColorTransferCharacteristic(self.color.transfer.into());
        context.colorspace = ffi::AVColorSpace(self.color.matrix.into());
        context.chroma_sample_location = ffi::AVChromaLocation(self.chroma_location);
        context.field_order = match self.field_order {
            None => ffi::AV_FIELD_UNKNOWN,
            Some(FieldOrder::Progressive) => ffi::AV_FIELD_PROGRESSIVE,
            Some(FieldOrder::TopFirst) => ffi::AV_FIELD_TT,
            Some(FieldOrder::BottomFirst) => ffi::AV_FIELD_BB,
        };
        #[cfg(has_decoded_side_data)]
        self.side_data.iter().try_for_each(|side_data| side_data.tell(context))?;
        Ok(())
    }
}

impl SideData {
    /// Tells it to an encoder that is not yet open, which writes it into its stream if it can.
    #[cfg(has_decoded_side_data)]
    fn tell(&self, context: &mut ffi::AVCodecContext) -> Result<()> {
        let (list, count) = (&mut context.decoded_side_data, &mut context.nb_decoded_side_data);
        // SAFETY: the list and its count are the context's own; FFmpeg allocates the new entry's data.
        let entry = unsafe { ffi::av_frame_side_data_new(list, count, self.on_frame, self.bytes.len(), 0).as_mut() };
        let entry = entry.ok_or_else(|| out_of_memory("av_frame_side_data_new"))?;
        // SAFETY: the entry's data has this size, and is no part of our own bytes.
        unsafe { std::ptr::copy_nonoverlapping(self.bytes.as_ptr(), entry.data, self.bytes.len()) };
        Ok(())
    }
    /// Adds it to a stream that is to be written.
    pub(in crate::raw) fn add_to(&self, stream: &mut ffi::AVStream) -> bool {
        #[cfg(has_coded_side_data)]
        {
            // SAFETY: the stream is borrowed mutably, and avformat gives each stream its codecpar.
            let parameters = unsafe { &mut *stream.codecpar };
            // SAFETY: the list and its count are the stream's own; FFmpeg allocates the new entry's data with its padding.
            let entry = unsafe {
                ffi::av_packet_side_data_new(
                    &mut parameters.coded_side_data,
                    &mut parameters.nb_coded_side_data,
                    self.kind,
                    self.bytes.len(),
                    0,
                )
                .as_mut()
            };
            let Some(entry) = entry else { return false };
            // SAFETY: the entry's data has at least this size, and is no part of our own bytes.
            unsafe { std::ptr::copy_nonoverlapping(self.bytes.as_ptr(), entry.data, self.bytes.len()) };
        }
        #[cfg(not(has_coded_side_data))]
        {
            // SAFETY: the stream is borrowed mutably; FFmpeg allocates the new entry's data.
            let data = unsafe { ffi::av_stream_new_side_data(stream, self.kind, self.bytes.len()) };
            if data.is_null() {
                return false;
            }
            // SAFETY: the new data has this size, and is no part of our own bytes.
            unsafe { std::ptr::copy_nonoverlapping(self.bytes.as_ptr(), data, self.bytes.len()) };
        }
        true
    }
}

/// FFmpeg's colour enums are ITU-T H.273's code points, 0 to 255; its own extensions lie above.
fn code_point(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(2)
}

/// Degrees by which a display matrix turns the picture clockwise, 0 to 359 (av_display_rotation_get).
pub(in crate::raw) fn rotation(matrix: &[u8]) -> Option<u32> {
    let mut values = [0i32; 9];
    for (value, bytes) in values.iter_mut().zip(matrix.chunks_exact(4)) {
        *value = i32::from_ne_bytes(bytes.try_into().ok()?);
    }
    // SAFETY: nine values, as a display matrix has.
    let counterclockwise = unsafe { ffi::av_display_rotation_get(values.as_ptr()) };
    (matrix.len() == 36 && counterclockwise.is_finite()).then(|| (-counterclockwise.round()).rem_euclid(360.0) as u32)
}
