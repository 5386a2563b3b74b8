//! Decoders: what a picture index stands for, and which pictures are mapped.
use super::postprocess::{self, Layout};
use super::structs::{CODEC_H264, CreateInfo, PicParams, ProcParams, ReconfigureInfo, WEAVE};
use super::{caps, refuse, tickets};
use crate::context;
use crate::decode::bits::nal_units;
use crate::decode::{Picture, Reason, Refused, Sent, SliceDecoder};
use crate::ledger::{self, Handle, Kind};
use crate::memory::DevicePtr;
use crate::status::{Outcome, cu};
use crate::wire;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A driver keeps no more decode surfaces than this.
const MOST_SURFACES: u64 = 32;

/// `cuvidDecodeStatus` values.
const STATUS_INVALID: u32 = 0;
const STATUS_SUCCESS: u32 = 2;
const STATUS_ERROR: u32 = 8;
const STATUS_ERROR_CONCEALED: u32 = 9;

/// What was decoded into a surface last.
enum Content {
    Nothing,
    Picture(Picture),
    /// The picture was too broken to begin.
    Grey,
    /// `cuvidDecodePicture` has failed: there is nothing to map, and the program was told.
    Refused,
}

/// Where to look for the damage that shows only later.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Slices(u64),
    Parser(u64),
}

struct Surface {
    content: Content,
    origin: Origin,
    status: u32,
}

struct Decoder {
    handle: Handle,
    context: Handle,
    info: CreateInfo,
    surfaces: Vec<Surface>,
    mapped: BTreeMap<DevicePtr, usize>,
    slices: SliceDecoder,
}

static DECODERS: Mutex<BTreeMap<Handle, Arc<Mutex<Decoder>>>> = Mutex::new(BTreeMap::new());

fn table() -> MutexGuard<'static, BTreeMap<Handle, Arc<Mutex<Decoder>>>> {
    DECODERS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn violation(what: String) {
    ledger::lock().violation(what);
}

/// Runs `body` with a decoder that exists, in a context that does.
fn with<T>(handle: Handle, by: &str, body: impl FnOnce(&mut Decoder) -> Outcome<T>) -> Outcome<T> {
    let current = context::require()?;
    let found = table().get(&handle).cloned();
    let Some(decoder) = found else {
        ledger::lock().check(handle, Kind::Decoder, by);
        return Err(cu::INVALID_HANDLE);
    };
    let mut decoder = decoder.lock().unwrap_or_else(PoisonError::into_inner);
    if current != decoder.context {
        let mut state = ledger::lock();
        if !state.is_live(decoder.context, Kind::Context) {
            state.violation(format!("{by}: the decoder's context {:#x} was destroyed", decoder.context));
            return Err(cu::CONTEXT_IS_DESTROYED);
        }
        state.violation(format!("{by}: context {current:#x} is current, the decoder's is {:#x}", decoder.context));
        return Err(cu::INVALID_CONTEXT);
    }
    body(&mut decoder)
}

fn surfaces(count: u64) -> Vec<Surface> {
    let nothing = || Surface { content: Content::Nothing, origin: Origin::Slices(0), status: STATUS_INVALID };
    std::iter::repeat_with(nothing).take(count as usize).collect()
}

/// `cuvidCreateDecoder`
pub fn create(info: &CreateInfo) -> Outcome<Handle> {
    let context = context::require()?;
    let name = "cuvidCreateDecoder";
    if let Err(why) = caps::check(info) {
        return refuse(name, &why, cu::NOT_SUPPORTED);
    }
    let invalid = |why: &str| refuse(name, why, cu::INVALID_VALUE);
    let sizes = [info.target_width, info.target_height];
    if info.num_decode_surfaces == 0 || info.num_decode_surfaces > MOST_SURFACES {
        return invalid(&format!("{} decode surfaces, 1 to {MOST_SURFACES} are possible", info.num_decode_surfaces));
    }
    if info.num_output_surfaces == 0 || sizes.iter().any(|size| *size == 0 || *size > 1 << 14) {
        return invalid("no output surface, or an output of an impossible size");
    }
    let mut state = ledger::lock();
    if info.vid_lock != 0 && !state.check(info.vid_lock, Kind::ContextLock, name) {
        return Err(cu::INVALID_HANDLE);
    }
    let handle = state.create(Kind::Decoder, context, 0);
    let entry = wire::Decoder {
        codec: "h264".into(),
        width: info.target_width as u32,
        height: info.target_height as u32,
        surfaces: info.num_decode_surfaces as u32,
        open: true,
        ..wire::Decoder::default()
    };
    state.decoders.insert(handle, entry);
    drop(state);
    let decoder = Decoder {
        handle,
        context,
        info: *info,
        surfaces: surfaces(info.num_decode_surfaces),
        mapped: BTreeMap::new(),
        slices: SliceDecoder::default(),
    };
    table().insert(handle, Arc::new(Mutex::new(decoder)));
    Ok(handle)
}

/// `cuvidDestroyDecoder`. It works without a current context, so that a program that has lost its own can clean up.
pub fn destroy(handle: Handle) -> Outcome {
    let name = "cuvidDestroyDecoder";
    let found = table().remove(&handle);
    if !ledger::lock().destroy(handle, Kind::Decoder, name) {
        return Err(cu::INVALID_HANDLE);
    }
    let Some(decoder) = found else { return Err(cu::INVALID_HANDLE) };
    let mut decoder = decoder.lock().unwrap_or_else(PoisonError::into_inner);
    let mut state = ledger::lock();
    if !state.is_live(decoder.context, Kind::Context) {
        state.violation(format!("{name}: decoder {handle:#x} outlived its context {:#x}", decoder.context));
    }
    if !decoder.mapped.is_empty() {
        state.violation(format!("{name}: {} frames are still mapped", decoder.mapped.len()));
    }
    for pointer in std::mem::take(&mut decoder.mapped).into_keys() {
        state.release(pointer);
    }
    if let Some(entry) = state.decoders.get_mut(&handle) {
        entry.open = false;
    }
    Ok(())
}

/// `cuvidDecodePicture`
pub fn decode(handle: Handle, params: &PicParams) -> Outcome {
    with(handle, "cuvidDecodePicture", |decoder| decoder.decode(params))
}

/// `cuvidGetDecodeStatus`
pub fn status(handle: Handle, index: i32) -> Outcome<u32> {
    let name = "cuvidGetDecodeStatus";
    with(handle, name, |decoder| {
        let surface = decoder.surface(index, name)?;
        Ok(match decoder.surfaces[surface] {
            Surface { origin: Origin::Parser(ticket), status: STATUS_SUCCESS, .. } if tickets::is_damaged(ticket) => {
                STATUS_ERROR_CONCEALED
            }
            Surface { status, .. } => status,
        })
    })
}

/// `cuvidMapVideoFrame64`: the frame's address and pitch.
pub fn map(handle: Handle, index: i32, how: Option<&ProcParams>) -> Outcome<(DevicePtr, u32)> {
    with(handle, "cuvidMapVideoFrame64", |decoder| decoder.map(index, how))
}

/// `cuvidUnmapVideoFrame64`
pub fn unmap(handle: Handle, pointer: DevicePtr) -> Outcome {
    let name = "cuvidUnmapVideoFrame64";
    with(handle, name, |decoder| {
        let mut state = ledger::lock();
        if decoder.mapped.remove(&pointer).is_none() {
            state.violation(format!("{name}: {pointer:#x} is not mapped"));
            return Err(cu::INVALID_VALUE);
        }
        state.release(pointer);
        Ok(())
    })
}

/// `cuvidReconfigureDecoder`
pub fn reconfigure(handle: Handle, new: &ReconfigureInfo) -> Outcome {
    let name = "cuvidReconfigureDecoder";
    with(handle, name, |decoder| {
        let (width, height) = (u64::from(new.width), u64::from(new.height));
        let most = (decoder.info.max_width.max(decoder.info.width), decoder.info.max_height.max(decoder.info.height));
        let surfaces_wanted = u64::from(new.num_decode_surfaces);
        if width > most.0 || height > most.1 || surfaces_wanted == 0 || surfaces_wanted > MOST_SURFACES {
            return refuse(name, &format!("{width}x{height} with {surfaces_wanted} surfaces"), cu::INVALID_VALUE);
        }
        let info = CreateInfo {
            width,
            height,
            num_decode_surfaces: surfaces_wanted,
            target_width: new.target_width.into(),
            target_height: new.target_height.into(),
            display_area: new.display_area,
            target_rect: new.target_rect,
            ..decoder.info
        };
        caps::check(&info).or_else(|why| refuse(name, &why, cu::NOT_SUPPORTED))?;
        if info.target_width == 0 || info.target_height == 0 {
            return refuse(name, "an empty output", cu::INVALID_VALUE);
        }
        decoder.info = info;
        decoder.surfaces = surfaces(surfaces_wanted);
        decoder.slices = SliceDecoder::default();
        Ok(())
    })
}

impl Decoder {
    /// A picture index that is one.
    fn surface(&self, index: i32, by: &str) -> Outcome<usize> {
        let surface = usize::try_from(index).ok().filter(|surface| *surface < self.surfaces.len());
        surface.ok_or_else(|| {
            violation(format!("{by}: picture index {index} is out of range, there are {}", self.surfaces.len()));
            cu::INVALID_VALUE
        })
    }

    fn decode(&mut self, params: &PicParams) -> Outcome {
        let name = "cuvidDecodePicture";
        let at = self.surface(params.curr_pic_idx, name)?;
        let sizes = [
            (i64::from(params.pic_width_in_mbs), self.info.width),
            (i64::from(params.frame_height_in_mbs), self.info.height),
        ];
        if sizes.iter().any(|(mbs, pixels)| *mbs <= 0 || (*mbs as u64 - 1) * 16 >= *pixels) {
            let (width, height) = (params.pic_width_in_mbs, params.frame_height_in_mbs);
            let made_for = format!("the decoder is for {}x{} pixels", self.info.width, self.info.height);
            violation(format!("{name}: {width}x{height} macroblocks, {made_for}"));
            return Err(cu::INVALID_VALUE);
        }
        let second = params.field_pic_flag != 0 && params.second_field != 0;
        let decoded = match tickets::read(params) {
            Some(ticket) => {
                self.take(at, ticket);
                Ok(())
            }
            None => self.decode_slices(at, params, second),
        };
        if let Err(Refused { reason, why }) = decoded {
            let status = match reason {
                Reason::Invalid => cu::INVALID_VALUE,
                Reason::Unsupported => cu::NOT_SUPPORTED,
            };
            self.surfaces[at] = Surface { content: Content::Refused, origin: Origin::Slices(0), status: STATUS_ERROR };
            return refuse(name, &why, status);
        }
        if !second {
            if let Some(entry) = ledger::lock().decoders.get_mut(&self.handle) {
                entry.pictures += 1;
            }
        }
        Ok(())
    }

    /// Takes over a picture that our parser has decoded.
    fn take(&mut self, at: usize, ticket: u64) {
        let picture = tickets::picture(ticket);
        let status = if picture.is_some() { STATUS_SUCCESS } else { STATUS_ERROR };
        let content = picture.map_or(Content::Grey, Content::Picture);
        self.surfaces[at] = Surface { content, origin: Origin::Parser(ticket), status };
    }

    fn decode_slices(&mut self, at: usize, params: &PicParams, second: bool) -> Result<(), Refused> {
        let refers_to_target =
            |entry: &super::structs::DpbEntry| entry.pic_idx == params.curr_pic_idx && entry.used_for_reference != 0;
        if !second && params.h264.dpb.iter().any(refers_to_target) {
            violation(format!("cuvidDecodePicture: picture {at} is overwritten while it is a reference"));
        }
        let length = params.bitstream_data_len as usize;
        let data = if params.bitstream_data.is_null() || length == 0 {
            &[]
        } else {
            // SAFETY: by the driver interface pBitstreamData points to nBitstreamDataLen readable bytes during the call.
            unsafe { std::slice::from_raw_parts(params.bitstream_data, length) }
        };
        let Sent { begun, displayed, failed } = self.slices.decode(&params.into(), &nal_units(data))?;
        for picture in displayed.iter().filter(|picture| picture.damaged != 0) {
            let origin = Origin::Slices(picture.serial);
            self.surfaces.iter_mut().filter(|surface| surface.origin == origin).for_each(Surface::mark_concealed);
        }
        let continued = second && matches!(self.surfaces[at].content, Content::Picture(_));
        match begun {
            Some((serial, picture)) => {
                let damaged = displayed.iter().any(|shown| shown.serial == serial && shown.damaged != 0);
                let concealed = damaged || failed || continued;
                self.surfaces[at] = Surface {
                    content: Content::Picture(picture),
                    origin: Origin::Slices(serial),
                    status: if concealed { STATUS_ERROR_CONCEALED } else { STATUS_SUCCESS },
                };
            }
            None if continued => {
                if failed {
                    self.surfaces[at].mark_concealed();
                }
            }
            None => {
                let origin = Origin::Slices(0);
                self.surfaces[at] = Surface { content: Content::Grey, origin, status: STATUS_ERROR };
            }
        }
        Ok(())
    }

    fn map(&mut self, index: i32, how: Option<&ProcParams>) -> Outcome<(DevicePtr, u32)> {
        let name = "cuvidMapVideoFrame64";
        let at = self.surface(index, name)?;
        if let Some(stream) = how.map(|how| how.output_stream).filter(|stream| *stream > 2) {
            if !ledger::lock().check(stream, Kind::Stream, name) {
                return Err(cu::INVALID_HANDLE);
            }
        }
        let planes = match &self.surfaces[at].content {
            Content::Nothing => {
                violation(format!("{name}: picture {index} was never decoded"));
                return Err(cu::INVALID_VALUE);
            }
            Content::Refused => return Err(cu::MAP_FAILED),
            Content::Grey => None,
            Content::Picture(picture) => picture.planes(),
        };
        // FFmpeg 9 counts on this answer: it is the only limit to the frames that a program holds.
        if self.mapped.len() as u64 >= self.info.num_output_surfaces {
            return Err(cu::MAP_FAILED);
        }
        let layout = Layout::new(&self.info);
        let mut state = ledger::lock();
        let pointer = state.allocate(layout.size(), self.context, Kind::MappedFrame, self.handle)?;
        let span = state.resolve(pointer, layout.size(), name)?;
        if let Some(entry) = state.decoders.get_mut(&self.handle) {
            entry.frames_mapped += 1;
        }
        drop(state);
        // SAFETY: the span covers `len` bytes of an allocation whose address no one else has yet.
        let frame = unsafe { std::slice::from_raw_parts_mut(span.as_ptr(), span.len()) };
        postprocess::render(planes, &self.info, parity(self.info.deinterlace_mode, how), frame);
        self.mapped.insert(pointer, at);
        Ok((pointer, layout.pitch as u32))
    }
}

impl Surface {
    fn mark_concealed(&mut self) {
        self.status = STATUS_ERROR_CONCEALED;
    }
}

/// The field to show when the program wants deinterlacing: 0 for the top one. Bob and adaptive are both bob here.
fn parity(mode: u32, how: Option<&ProcParams>) -> Option<usize> {
    let how = how.filter(|how| mode != WEAVE && how.progressive_frame == 0)?;
    let first = usize::from(how.top_field_first == 0);
    Some(if how.second_field != 0 { 1 - first } else { first })
}

/// Whether this is the codec that is decoded here.
pub fn is_supported_codec(codec_type: u32) -> bool {
    codec_type == CODEC_H264
}
