//! The video parser: packets in; sequence, decode and display callbacks out.
//!
//! It decodes each picture before it announces it, see `tickets`. A packet holds whole access units, as FFmpeg sends them. No
//! lock is held while a callback runs: the parser is taken out of the table meanwhile.
use super::format::{self, Clock};
use super::structs::{
    Callback, DisplayInfo, PACKET_DISCONTINUITY, PACKET_END_OF_STREAM, PACKET_NOTIFY_EOS, PACKET_TIMESTAMP,
    ParserParams, PicParams, VideoFormat,
};
use super::surface_pool::SurfacePool;
use super::{caps, decoder, refuse, tickets};
use crate::context;
use crate::decode::bits::nal_units;
use crate::decode::slices::{Slice, Unit, bottom_field, nal, split};
use crate::decode::sps::Sps;
use crate::decode::{Displayed, Inner, NO_TIMESTAMP};
use crate::ledger::{self, Handle, Kind};
use crate::status::{Outcome, cu};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Pictures of a parser that can be handed to a decoder after their callback.
const KEPT_TICKETS: usize = 64;

/// A packet's contents.
pub struct Packet<'p> {
    pub flags: u64,
    pub payload: &'p [u8],
    pub timestamp: i64,
}

struct Parser {
    handle: Handle,
    params: ParserParams,
    inner: Inner,
    /// Sequence parameter sets by id, and the NAL units of all parameter sets in the order they came.
    sequences: BTreeMap<u32, Sps>,
    /// The sequence parameter set that each picture parameter set names.
    pictures: BTreeMap<u32, u32>,
    parameter_sets: BTreeMap<(u8, u32), Vec<u8>>,
    /// NAL units that wait for the picture they precede.
    head: Unit,
    format: Option<VideoFormat>,
    pool: SurfacePool,
    kept: VecDeque<u64>,
    clock: Clock,
    /// The picture of a first field.
    field: Option<(i32, u64)>,
}

// SAFETY: the raw pointer in it is the program's user data, which is only handed back to the program's callbacks; by the
// interface they run on the thread that calls cuvidParseVideoData.
unsafe impl Send for Parser {}

/// `None` while the parser is at work.
static PARSERS: Mutex<BTreeMap<Handle, Option<Box<Parser>>>> = Mutex::new(BTreeMap::new());

fn table() -> MutexGuard<'static, BTreeMap<Handle, Option<Box<Parser>>>> {
    PARSERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `cuvidCreateVideoParser`
pub fn create(params: &ParserParams) -> Outcome<Handle> {
    let name = "cuvidCreateVideoParser";
    if !decoder::is_supported_codec(params.codec_type) {
        let why = caps::why_not(params.codec_type, 1, 0).unwrap_or_default();
        return refuse(name, &format!("{why} is not supported"), cu::NOT_SUPPORTED);
    }
    let Some(inner) = Inner::open() else {
        return refuse(name, "this FFmpeg has no software H.264 decoder", cu::NOT_SUPPORTED);
    };
    let handle = ledger::lock().create(Kind::Parser, context::current(), 0);
    let parser = Parser {
        handle,
        params: *params,
        inner,
        sequences: BTreeMap::new(),
        pictures: BTreeMap::new(),
        parameter_sets: BTreeMap::new(),
        head: Unit::default(),
        format: None,
        pool: SurfacePool::new(params.max_num_decode_surfaces),
        kept: VecDeque::new(),
        clock: Clock::new(params.clock_rate),
        field: None,
    };
    table().insert(handle, Some(Box::new(parser)));
    Ok(handle)
}

/// `cuvidDestroyVideoParser`. From inside a callback the parser ends when its packet does.
pub fn destroy(handle: Handle) -> Outcome {
    let found = table().remove(&handle);
    let live = ledger::lock().destroy(handle, Kind::Parser, "cuvidDestroyVideoParser");
    drop(found);
    tickets::drop_all(handle);
    if live { Ok(()) } else { Err(cu::INVALID_HANDLE) }
}

/// Puts a parser back when its packet is done, also after a panic.
struct AtWork(Option<Box<Parser>>);

impl Drop for AtWork {
    fn drop(&mut self) {
        let Some(parser) = self.0.take() else { return };
        let handle = parser.handle;
        match table().get_mut(&handle) {
            Some(place) => *place = Some(parser),
            None => tickets::drop_all(handle),
        }
    }
}

/// `cuvidParseVideoData`
pub fn parse(handle: Handle, packet: &Packet<'_>) -> Outcome {
    let name = "cuvidParseVideoData";
    let taken = table().get_mut(&handle).map(Option::take);
    match taken {
        Some(Some(parser)) => {
            let mut at_work = AtWork(Some(parser));
            at_work.0.as_mut().map_or(Ok(()), |parser| parser.parse(packet))
        }
        Some(None) => {
            ledger::lock().violation(format!("{name}: called for a parser that is at work"));
            Err(cu::INVALID_HANDLE)
        }
        None => {
            ledger::lock().check(handle, Kind::Parser, name);
            Err(cu::INVALID_HANDLE)
        }
    }
}

/// Why a packet's work ends early.
enum Stop {
    /// A callback said no: the program knows why, so that is no error of the call.
    Callback,
    Error(crate::status::Status),
}

type Step<T = ()> = Result<T, Stop>;

impl Parser {
    fn parse(&mut self, packet: &Packet<'_>) -> Outcome {
        match self.parse_steps(packet) {
            Ok(()) | Err(Stop::Callback) => Ok(()),
            Err(Stop::Error(status)) => Err(status),
        }
    }

    fn parse_steps(&mut self, packet: &Packet<'_>) -> Step {
        if packet.flags & PACKET_DISCONTINUITY != 0 {
            self.finish()?;
            self.clock.restart();
        }
        let given = packet.flags & PACKET_TIMESTAMP != 0;
        let mut timestamp = if given { packet.timestamp } else { NO_TIMESTAMP };
        for unit in split(&mut self.head, packet.payload) {
            if self.picture(&unit, timestamp)? {
                timestamp = NO_TIMESTAMP; // it is the first picture's
            }
        }
        if packet.flags & PACKET_END_OF_STREAM != 0 {
            self.finish()?;
            if packet.flags & PACKET_NOTIFY_EOS != 0 {
                call(self.params.display, &self.params, std::ptr::null_mut())?;
            }
        }
        Ok(())
    }

    /// Ends a sequence: what is left in the decoder is displayed.
    fn finish(&mut self) -> Step {
        let displayed = self.inner.drain();
        self.field = None;
        let shown = displayed.iter().try_for_each(|picture| self.display(picture));
        self.pool.forget_pending();
        shown
    }

    /// Decodes a frame or a field and tells the program; whether it began a picture.
    fn picture(&mut self, unit: &Unit, timestamp: i64) -> Step<bool> {
        self.learn(unit);
        let first = unit.slices[0].1;
        let sequence = self.pictures.get(&first.pps_id).and_then(|id| self.sequences.get(id)).cloned();
        let Some(sps) = sequence else { return Ok(false) }; // joined in the middle: nothing can be decoded yet
        let format = format::describe(&sps);
        let mut bytes = Vec::new();
        if self.format != Some(format) {
            self.begin_sequence(&sps, format)?;
            bytes = self.parameter_sets.values().flatten().copied().collect();
        }
        bytes.extend_from_slice(&unit.bytes);
        let sent = self.inner.decode(&bytes, timestamp);
        let nal = &unit.bytes[unit.slices[0].0 as usize + 4..];
        let bottom = bottom_field(nal, &sps);
        let began = sent.begun.is_some();
        if let Some((serial, picture)) = sent.begun {
            let ticket = self.keep(picture);
            let index = self.pool.take(serial, ticket);
            self.field = bottom.map(|_| (index, ticket));
            self.announce(unit, &sps, bottom, (index, ticket), false)?;
        } else if let (Some(picture), Some(_), false) = (self.field.take(), bottom, sent.failed) {
            self.announce(unit, &sps, bottom, picture, true)?;
        }
        sent.displayed.iter().try_for_each(|picture| self.display(picture))?;
        Ok(began)
    }

    /// Keeps the parameter sets of a unit.
    fn learn(&mut self, unit: &Unit) {
        for nal in nal_units(&unit.bytes) {
            let kind = nal[0] & 0x1f;
            let id = match kind {
                nal::SPS => Sps::parse(nal).map(|sps| {
                    let id = sps.id;
                    self.sequences.insert(id, sps);
                    id
                }),
                nal::PPS => format::picture_parameter_set(nal).map(|(id, sequence)| {
                    self.pictures.insert(id, sequence);
                    id
                }),
                _ => None,
            };
            if let Some(id) = id {
                self.parameter_sets.insert((kind, id), [&[0, 0, 0, 1], nal].concat());
            }
        }
    }

    /// Another format: what came before is displayed, then the program makes its decoder.
    fn begin_sequence(&mut self, sps: &Sps, mut format: VideoFormat) -> Step {
        let name = "cuvidParseVideoData";
        if self.format.is_some() {
            self.finish()?;
        }
        self.inner = match Inner::open() {
            Some(inner) => inner,
            None => return Err(Stop::Error(cu::OUT_OF_MEMORY)),
        };
        self.clock.set_frame_rate(sps.frame_rate);
        let announced = format;
        let answer = call(self.params.sequence, &self.params, &mut format)?;
        if answer > 1 {
            // From now on: a later sequence for which the program says 1 keeps it.
            self.params.max_num_decode_surfaces = answer as u32;
        }
        let surfaces = self.params.max_num_decode_surfaces;
        if surfaces <= sps.dpb_frames() {
            let needed = announced.min_num_decode_surfaces;
            let what = format!("{surfaces} decode surfaces, the sequence needs {needed}");
            ledger::lock().violation(format!("{name}: {what}"));
        }
        self.pool.resize(surfaces);
        self.format = Some(announced);
        let depth = sps.bit_depth_luma.max(sps.bit_depth_chroma).saturating_sub(8);
        match caps::why_not(self.params.codec_type, sps.chroma_format_idc, depth.into()) {
            Some(why) => {
                self.format = None;
                refuse(name, &format!("{why} is not supported"), cu::NOT_SUPPORTED).map_err(Stop::Error)
            }
            None => Ok(()),
        }
    }

    /// Leaves a picture for the decoder, and drops the one that has waited longest.
    fn keep(&mut self, picture: crate::decode::Picture) -> u64 {
        let ticket = tickets::leave(self.handle, picture);
        self.kept.push_back(ticket);
        if self.kept.len() > KEPT_TICKETS {
            self.kept.pop_front().into_iter().for_each(tickets::drop_one);
        }
        ticket
    }

    /// The decode callback.
    fn announce(&self, unit: &Unit, sps: &Sps, bottom: Option<bool>, picture: (i32, u64), second: bool) -> Step {
        let offsets: Vec<u32> = unit.slices.iter().map(|(offset, _)| *offset).collect();
        let slices = || unit.slices.iter().map(|(_, slice)| slice);
        // SAFETY: PicParams has integers and raw pointers only, for which all zeros is a value.
        let mut params: PicParams = unsafe { std::mem::zeroed() };
        params.pic_width_in_mbs = (sps.coded_width / 16) as i32;
        params.frame_height_in_mbs = (sps.coded_height / 16) as i32;
        params.curr_pic_idx = picture.0;
        params.field_pic_flag = bottom.is_some().into();
        params.bottom_field_flag = (bottom == Some(true)).into();
        params.second_field = second.into();
        params.bitstream_data_len = unit.bytes.len() as u32;
        params.bitstream_data = unit.bytes.as_ptr();
        params.num_slices = offsets.len() as u32;
        params.slice_data_offsets = offsets.as_ptr();
        params.ref_pic_flag = slices().any(|slice| slice.reference).into();
        params.intra_pic_flag = slices().all(|slice: &Slice| slice.is_intra()).into();
        tickets::write(&mut params, picture.1);
        call(self.params.decode, &self.params, &mut params).map(drop)
    }

    /// The display callback.
    fn display(&mut self, picture: &Displayed) -> Step {
        let Some(pending) = self.pool.display(picture.serial) else { return Ok(()) };
        if picture.unrecovered != 0 {
            return Ok(()); // joined in the middle: the pictures before the first whole one are not shown
        }
        if picture.damaged != 0 {
            tickets::mark_damaged(pending.ticket);
        }
        let mut info = DisplayInfo {
            picture_index: pending.index,
            progressive_frame: (picture.interlaced == 0).into(),
            top_field_first: picture.top_field_first,
            repeat_first_field: picture.repeat_pict,
            timestamp: self.clock.stamp(picture.pts),
        };
        call(self.params.display, &self.params, &mut info).map(drop)
    }
}

/// Runs a callback of the program. One that is missing agrees to everything; 0 ends the packet.
fn call<T>(callback: Callback<T>, params: &ParserParams, what: *mut T) -> Step<i32> {
    let Some(callback) = callback else { return Ok(1) };
    // SAFETY: the program gave the function with this signature and its user data in cuvidCreateVideoParser; `what` is null
    // (allowed for the end-of-stream display callback) or a value that outlives the call.
    match unsafe { callback(params.user_data, what) } {
        ..=0 => Err(Stop::Callback),
        answer => Ok(answer),
    }
}
