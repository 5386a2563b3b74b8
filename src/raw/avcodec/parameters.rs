//! AVCodecParameters: what a stream is coded in, copied out of an input file or an encoder, for decoders and muxers.

use crate::{
    error::{Error, ErrorKind, Result},
    ffi,
    raw::{CodecContext, avutil::picture, check, out_of_memory},
};
use std::{ffi::CStr, ptr::NonNull, slice};

/// An AVCodecParameters of our own, with the side data that describes the whole stream.
pub(crate) struct Parameters {
    object: NonNull<ffi::AVCodecParameters>,
    /// Before FFmpeg 6.1 the side data is the AVStream's.
    #[cfg(not(has_coded_side_data))]
    side_data: Vec<Block>,
}

// SAFETY: self is the one owner of a plain structure with no thread affinity.
unsafe impl Send for Parameters {}
// SAFETY: it is not written to after it was made.
unsafe impl Sync for Parameters {}

/// A copy of one AVPacketSideData.
#[cfg(not(has_coded_side_data))]
struct Block {
    kind: ffi::AVPacketSideDataType,
    bytes: Vec<u8>,
}

impl Parameters {
    fn allocate() -> Result<Self> {
        // SAFETY: it has no preconditions.
        let object = NonNull::new(unsafe { ffi::avcodec_parameters_alloc() });
        Ok(Parameters {
            object: object.ok_or_else(|| out_of_memory("avcodec_parameters_alloc"))?,
            #[cfg(not(has_coded_side_data))]
            side_data: Vec::new(),
        })
    }
    /// Those of a codec by FFmpeg's name of it, with nothing else known (avcodec_descriptor_get_by_name).
    pub(crate) fn of_codec(name: &str) -> Result<Self> {
        crate::raw::enter()?;
        let wanted = crate::raw::c_string("codec", name)?;
        // SAFETY: a terminated string; the result is null or static.
        let Some(descriptor) = (unsafe { ffi::avcodec_descriptor_get_by_name(wanted.as_ptr()).as_ref() }) else {
            let detail = format!(
                "FFmpeg knows no codec `{name}`: its names are those of `ffmpeg -codecs`, such as h264 and hevc"
            );
            return Err(Error::new(ErrorKind::Unsupported, "avcodec_descriptor_get_by_name").detail(detail));
        };
        let mut parameters = Self::allocate()?;
        // SAFETY: self owns it, and nobody else knows of it yet.
        let raw = unsafe { parameters.object.as_mut() };
        (raw.codec_type, raw.codec_id) = (descriptor.type_, descriptor.id);
        Ok(parameters)
    }
    /// A copy with other parameter sets.
    pub(crate) fn with_extradata(&self, bytes: &[u8]) -> Result<Self> {
        let mut copy = self.try_clone()?;
        let size = i32::try_from(bytes.len()).map_err(|_| Error::invalid("extradata", "extradata is far too long"))?;
        // SAFETY: the copy is ours and nobody else knows of it yet; its old extradata is FFmpeg's allocation, and the new one has room
        // for the bytes and the zeros that FFmpeg wants behind them.
        unsafe {
            let raw = copy.object.as_mut();
            ffi::av_freep((&raw mut raw.extradata).cast());
            raw.extradata_size = 0;
            let data = ffi::av_mallocz(bytes.len() + ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize).cast::<u8>();
            if data.is_null() {
                return Err(out_of_memory("av_mallocz"));
            }
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len());
            (raw.extradata, raw.extradata_size) = (data, size);
        }
        Ok(copy)
    }
    /// A copy with another size of picture.
    pub(crate) fn with_size(&self, width: u32, height: u32) -> Result<Self> {
        let mut copy = self.try_clone()?;
        let part = |value| i32::try_from(value).map_err(|_| Error::invalid("size", "a picture is not so large"));
        let size = (part(width)?, part(height)?);
        // SAFETY: self owns it, and nobody else knows of it yet.
        let raw = unsafe { copy.object.as_mut() };
        (raw.width, raw.height) = size;
        Ok(copy)
    }
    fn try_clone(&self) -> Result<Self> {
        // SAFETY: these are live.
        unsafe { Self::with_side_data_of(self.object.as_ptr(), self) }
    }
    /// A copy of parameters, with the side data that another stream has where FFmpeg does not keep it in them.
    ///
    /// # Safety
    /// The parameters are live.
    pub(in crate::raw) unsafe fn with_side_data_of(
        parameters: *const ffi::AVCodecParameters,
        other: &Self,
    ) -> Result<Self> {
        let copy = Self::allocate()?;
        // SAFETY: both are live, by the caller's word.
        check("avcodec_parameters_copy", || unsafe { ffi::avcodec_parameters_copy(copy.object.as_ptr(), parameters) })?;
        #[cfg(not(has_coded_side_data))]
        let copy = {
            let mut copy = copy;
            copy.side_data =
                other.side_data.iter().map(|block| Block { kind: block.kind, bytes: block.bytes.clone() }).collect();
            copy
        };
        #[cfg(has_coded_side_data)]
        let _ = other;
        Ok(copy)
    }
    /// A copy of a stream's.
    ///
    /// # Safety
    /// The stream is one of a live AVFormatContext's.
    pub(in crate::raw) unsafe fn of_stream(stream: &ffi::AVStream) -> Result<Self> {
        #[cfg_attr(has_coded_side_data, allow(unused_mut))]
        let mut copy = Self::allocate()?;
        let to = copy.object.as_ptr();
        // SAFETY: both are live; avformat gives each stream its codecpar.
        check("avcodec_parameters_copy", || unsafe { ffi::avcodec_parameters_copy(to, stream.codecpar) })?;
        #[cfg(not(has_coded_side_data))]
        {
            // SAFETY: list and count are the stream's own.
            copy.side_data = unsafe { blocks(stream.side_data, stream.nb_side_data) };
        }
        Ok(copy)
    }
    /// What an open encoder's packets are.
    pub(in crate::raw) fn of_encoder(encoder: &CodecContext) -> Result<Self> {
        #[cfg_attr(has_coded_side_data, allow(unused_mut))]
        let mut copy = Self::allocate()?;
        let (to, context) = (copy.object.as_ptr(), encoder.as_ptr());
        // SAFETY: both are live: an encoder that can be named is not closed.
        check("avcodec_parameters_from_context", || unsafe { ffi::avcodec_parameters_from_context(to, context) })?;
        #[cfg(not(has_coded_side_data))]
        {
            // SAFETY: list and count are the context's own.
            copy.side_data = unsafe { blocks((*context).coded_side_data, (*context).nb_coded_side_data) };
        }
        Ok(copy)
    }
    pub(in crate::raw) fn as_ptr(&self) -> *const ffi::AVCodecParameters {
        self.object.as_ptr()
    }
    pub(in crate::raw) fn get(&self) -> &ffi::AVCodecParameters {
        // SAFETY: self owns it, and it is not written to.
        unsafe { self.object.as_ref() }
    }
    pub(crate) fn codec_id(&self) -> ffi::AVCodecID {
        self.get().codec_id
    }
    /// FFmpeg's name of the codec: `h264`.
    pub(crate) fn codec_name(&self) -> &'static str {
        ffi::names::codec(self.codec_id())
    }
    /// FFmpeg's name of the profile: its number is FF_PROFILE_* in some versions and AV_PROFILE_* in others.
    pub(crate) fn profile_name(&self) -> Option<&'static str> {
        // SAFETY: any id and number may be asked for; the result is null or a static string.
        let name = unsafe { ffi::avcodec_profile_name(self.codec_id(), self.get().profile) };
        // SAFETY: it is a terminated string in FFmpeg's static table.
        if name.is_null() { None } else { unsafe { CStr::from_ptr(name) }.to_str().ok() }
    }
    pub(crate) fn media_type(&self) -> ffi::AVMediaType {
        self.get().codec_type
    }
    /// Width and height of a video stream, where known.
    pub(crate) fn size(&self) -> Option<(u32, u32)> {
        let size = (u32::try_from(self.get().width).ok()?, u32::try_from(self.get().height).ok()?);
        (self.media_type() == ffi::AVMEDIA_TYPE_VIDEO && size.0 > 0 && size.1 > 0).then_some(size)
    }
    /// FFmpeg's name of a video stream's pixel format, where known.
    pub(crate) fn pixel_format_name(&self) -> Option<&'static str> {
        if self.media_type() != ffi::AVMEDIA_TYPE_VIDEO {
            return None;
        }
        let descriptor = ffi::pixel::descriptor(ffi::AVPixelFormat(self.get().format))?;
        // SAFETY: it is a terminated string in FFmpeg's static table.
        unsafe { CStr::from_ptr(descriptor.name) }.to_str().ok()
    }
    /// Frames that come out of order at most (has_b_frames); 0 where decoding order is presentation order.
    pub(in crate::raw) fn video_delay(&self) -> usize {
        usize::try_from(self.get().video_delay).unwrap_or(0)
    }
    /// What a stream of sound does not say although each container needs it.
    pub(in crate::raw) fn unknown_of_sound(&self) -> Option<&'static str> {
        let raw = self.get();
        match raw.codec_type {
            ffi::AVMEDIA_TYPE_AUDIO if raw.sample_rate <= 0 => Some("sample_rate"),
            ffi::AVMEDIA_TYPE_AUDIO if raw.ch_layout.nb_channels <= 0 => Some("channels"),
            _ => None,
        }
    }
    /// Whether the parameter sets are NAL units with start codes, which can stand before a packet as they are.
    pub(in crate::raw) fn has_start_codes(&self) -> bool {
        let extradata = self.get().extradata;
        if extradata.is_null() {
            return false;
        }
        let size = usize::try_from(self.get().extradata_size).unwrap_or(0);
        // SAFETY: FFmpeg keeps this many bytes there, and they are not written to.
        let bytes = unsafe { slice::from_raw_parts(extradata, size) };
        bytes.starts_with(&[0, 0, 1]) || bytes.starts_with(&[0, 0, 0, 1])
    }
    /// Side data of this kind that describes the whole stream.
    pub(in crate::raw) fn side_data(&self, kind: ffi::AVPacketSideDataType) -> Option<&[u8]> {
        #[cfg(not(has_coded_side_data))]
        return self.side_data.iter().find(|block| block.kind == kind).map(|block| &*block.bytes);
        #[cfg(has_coded_side_data)]
        {
            let (list, count) = (self.get().coded_side_data, self.get().nb_coded_side_data);
            // SAFETY: list and count are the parameters' own; the result is null or one of the list's entries.
            let entry = unsafe { ffi::av_packet_side_data_get(list, count, kind).as_ref() }?;
            // SAFETY: FFmpeg keeps `size` bytes there, and the parameters are not written to.
            (!entry.data.is_null()).then(|| unsafe { slice::from_raw_parts(entry.data, entry.size) })
        }
    }
    /// Degrees clockwise by which the pictures are to be turned to be shown.
    pub(crate) fn rotation(&self) -> Option<u32> {
        picture::rotation(self.side_data(ffi::AV_PKT_DATA_DISPLAYMATRIX)?)
    }
    /// Makes a stream that is to be written what these say.
    pub(in crate::raw) fn write_to(&self, stream: &mut ffi::AVStream) -> Result<()> {
        // SAFETY: both are live; avformat gives each stream its codecpar.
        check("avcodec_parameters_copy", || unsafe { ffi::avcodec_parameters_copy(stream.codecpar, self.as_ptr()) })?;
        #[cfg(not(has_coded_side_data))]
        for block in &self.side_data {
            // SAFETY: the stream is borrowed mutably; FFmpeg allocates the data.
            let data = unsafe { ffi::av_stream_new_side_data(stream, block.kind, block.bytes.len()) };
            if data.is_null() {
                return Err(out_of_memory("av_stream_new_side_data"));
            }
            // SAFETY: the new data has this size, and is no part of our own bytes.
            unsafe { std::ptr::copy_nonoverlapping(block.bytes.as_ptr(), data, block.bytes.len()) };
        }
        Ok(())
    }
}

impl Drop for Parameters {
    fn drop(&mut self) {
        let mut object = self.object.as_ptr();
        // SAFETY: self owns it and is not used again.
        unsafe { ffi::avcodec_parameters_free(&mut object) }
    }
}

/// Copies of a side data list's entries.
///
/// # Safety
/// `list` has `count` live entries, or is null with a count of 0.
#[cfg(not(has_coded_side_data))]
unsafe fn blocks(list: *const ffi::AVPacketSideData, count: i32) -> Vec<Block> {
    (0..usize::try_from(count).unwrap_or(0))
        .map(|index| {
            // SAFETY: the caller's word; each entry has `size` bytes at `data`.
            let entry = unsafe { &*list.add(index) };
            // SAFETY: as above.
            Block { kind: entry.type_, bytes: unsafe { slice::from_raw_parts(entry.data, entry.size) }.to_vec() }
        })
        .collect()
}

static_assertions::assert_impl_all!(Parameters: Send, Sync);
static_assertions::assert_not_impl_any!(Parameters: Clone);
