//! What the encoder offers: codecs, profiles, presets, formats, capabilities.

use super::guid::{self, Guid};
use super::layout::{self, CapsQuery, PresetConfig};
use super::pixels::FORMATS;
use super::session::with;
use crate::api::Out;
use crate::ledger::{self, Handle};
use crate::status::{Outcome, nv};
use crate::wire::Config;

const VIDEO_FORMAT_UNSPECIFIED: u32 = 5;
const RATE_CONTROL_VBR: u32 = 1;
/// Tunings whose presets have B pictures.
const TUNING_HIGH_QUALITY: u32 = 1;
const TUNING_LOSSLESS: u32 = 4;
const SLOWEST_WITHOUT_B: usize = 1;

/// The largest picture, in pixels each way.
pub const MAX_SIZE: u32 = 4096;

fn h264(codec: Guid) -> Outcome {
    if codec == guid::CODEC_H264 { Ok(()) } else { Err(nv::UNSUPPORTED_PARAM) }
}

/// Writes a list into the caller's array of `room` elements.
fn put_list<T: Copy>(list: &[T], array: *mut T, room: u32, count: Out<u32>) -> Outcome {
    let fitting = list.len().min(room as usize);
    if array.is_null() {
        return Err(nv::INVALID_PTR);
    }
    // SAFETY: by the interface the array has `room` elements, and no more than that are written.
    unsafe { std::ptr::copy_nonoverlapping(list.as_ptr(), array, fitting) };
    count.set(fitting as u32)
}

/// `NV_ENC_CAPS` by number: a GPU of the Ampere generation, less what cannot be encoded here.
fn capability(config: &Config, capability: u32) -> i32 {
    match capability {
        0 => 4,                                 // B pictures in a row
        1 => 0x3f,                              // rate control modes
        2 => 0,                                 // no field encoding
        6 => 1,                                 // direct mode
        7 => 1,                                 // CABAC
        8 => 1,                                 // adaptive transform
        13 => 62,                               // level, at most
        14 => 10,                               // level, at least
        16 | 17 => MAX_SIZE as i32,             // width, height
        19 => 0,                                // no change of resolution on the way
        20 => 1,                                // change of bit rate on the way
        22 => 1,                                // change of rate control on the way
        24..=27 => 1,                           // constrained, intra refresh, own VBV size, dynamic slices
        31 => 65_536,                           // macroblocks
        32 => 983_040,                          // macroblocks per second
        33 => 0,                                // no 4:4:4
        34 => 1,                                // lossless, as all is here
        37 | 38 => 1,                           // look-ahead, temporal AQ
        39 => 0,                                // no 10 bit
        41 => 1,                                // weighted prediction
        42 => 100,                              // capacity left in percent
        43 => 3,                                // B pictures as references are accepted, and not used
        45 => config.encoder_min_size.0 as i32, // width, at least
        46 => config.encoder_min_size.1 as i32, // height, at least
        47 => 1,                                // several reference pictures
        49 => 1,                                // engines
        50 => 1,                                // single-slice intra refresh
        _ => 0,
    }
}

fn preset(parameters: Out<PresetConfig>, preset: Guid, tuning: u32) -> Outcome {
    let level = guid::PRESETS.iter().position(|known| *known == preset);
    if level.is_none() && !guid::OLD_PRESETS.contains(&preset.0) {
        return Err(nv::UNSUPPORTED_PARAM);
    }
    let config = &mut layout::structure(parameters)?.config;
    let b_pictures =
        level.is_some_and(|level| level > SLOWEST_WITHOUT_B) && matches!(tuning, TUNING_HIGH_QUALITY | TUNING_LOSSLESS);
    config.profile = guid::PROFILE_AUTOSELECT;
    config.gop_length = 250;
    config.frame_interval_p = if b_pictures { 3 } else { 1 };
    config.rate_control.mode = RATE_CONTROL_VBR;
    config.rate_control.average_bit_rate = 2_000_000;
    config.rate_control.max_bit_rate = 4_000_000;
    config.h264.idr_period = 250;
    config.h264.chroma_format_idc = 1;
    config.h264.usability.video_format = VIDEO_FORMAT_UNSPECIFIED;
    Ok(())
}

api! { table;
    fn nvEncGetEncodeGUIDCount(encoder: Handle, count: Out<u32>) {
        with(encoder, "nvEncGetEncodeGUIDCount", |_| count.set(1))
    }

    fn nvEncGetEncodeGUIDs(encoder: Handle, guids: *mut Guid, room: u32, count: Out<u32>) {
        with(encoder, "nvEncGetEncodeGUIDs", |_| put_list(&[guid::CODEC_H264], guids, room, count))
    }

    fn nvEncGetEncodeProfileGUIDCount(encoder: Handle, codec: Guid, count: Out<u32>) {
        h264(codec)?;
        with(encoder, "nvEncGetEncodeProfileGUIDCount", |_| count.set(guid::PROFILES.len() as u32))
    }

    fn nvEncGetEncodeProfileGUIDs(encoder: Handle, codec: Guid, guids: *mut Guid, room: u32, count: Out<u32>) {
        h264(codec)?;
        with(encoder, "nvEncGetEncodeProfileGUIDs", |_| put_list(&guid::PROFILES, guids, room, count))
    }

    fn nvEncGetInputFormatCount(encoder: Handle, codec: Guid, count: Out<u32>) {
        h264(codec)?;
        with(encoder, "nvEncGetInputFormatCount", |_| count.set(FORMATS.len() as u32))
    }

    fn nvEncGetInputFormats(encoder: Handle, codec: Guid, formats: *mut u32, room: u32, count: Out<u32>) {
        h264(codec)?;
        let list = FORMATS.map(|(number, _)| number);
        with(encoder, "nvEncGetInputFormats", |_| put_list(&list, formats, room, count))
    }

    fn nvEncGetEncodeCaps(encoder: Handle, codec: Guid, query: Out<CapsQuery>, value: Out<i32>) {
        h264(codec)?;
        let caps = layout::structure(query)?.caps;
        let answer = capability(&ledger::lock().config, caps);
        with(encoder, "nvEncGetEncodeCaps", |_| value.set(answer))
    }

    fn nvEncGetEncodePresetCount(encoder: Handle, codec: Guid, count: Out<u32>) {
        h264(codec)?;
        with(encoder, "nvEncGetEncodePresetCount", |_| count.set(guid::PRESETS.len() as u32))
    }

    fn nvEncGetEncodePresetGUIDs(encoder: Handle, codec: Guid, guids: *mut Guid, room: u32, count: Out<u32>) {
        h264(codec)?;
        with(encoder, "nvEncGetEncodePresetGUIDs", |_| put_list(&guid::PRESETS, guids, room, count))
    }

    fn nvEncGetEncodePresetConfig(encoder: Handle, codec: Guid, name: Guid, config: Out<PresetConfig>) {
        h264(codec)?;
        with(encoder, "nvEncGetEncodePresetConfig", |_| preset(config, name, TUNING_HIGH_QUALITY))
    }

    fn nvEncGetEncodePresetConfigEx(
        encoder: Handle, codec: Guid, name: Guid, tuning: u32, config: Out<PresetConfig>
    ) {
        h264(codec)?;
        with(encoder, "nvEncGetEncodePresetConfigEx", |_| preset(config, name, tuning))
    }
}
