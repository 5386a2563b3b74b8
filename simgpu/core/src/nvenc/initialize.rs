//! Initialising and reconfiguring the encoder, and its parameter sets.

use super::guid::{self, Guid};
use super::layout::{self, Config, Initialize, Reconfigure, SequenceParameters, Usability};
use super::query::MAX_SIZE;
use super::session::{Headers, Session, Stream, with, with_current};
use crate::api::Out;
use crate::h264::{Encoder, Parameters, Profile, SignalType, parameter_sets};
use crate::ledger::{self, Handle};
use crate::status::{Outcome, nv};
use std::collections::VecDeque;

const CHROMA_444: u32 = 3;
const MAX_B_PICTURES: i32 = 4;
const RESET_ENCODER: u32 = 1;
const FORCE_IDR: u32 = 2;

fn profile(guid: Guid) -> Option<Profile> {
    match guid {
        guid::PROFILE_BASELINE => Some(Profile::Baseline),
        guid::PROFILE_MAIN => Some(Profile::Main),
        guid::PROFILE_AUTOSELECT | guid::PROFILE_HIGH => Some(Profile::High),
        guid::PROFILE_PROGRESSIVE_HIGH | guid::PROFILE_CONSTRAINED_HIGH => Some(Profile::High),
        _ => None,
    }
}

fn signal_type(usability: &Usability) -> Option<SignalType> {
    let description = (usability.primaries & 0xff, usability.transfer & 0xff, usability.matrix & 0xff);
    (usability.signal_type_present != 0).then_some(SignalType {
        format: usability.video_format & 7,
        full_range: usability.full_range != 0,
        description: (usability.colour_description_present != 0).then_some(description),
    })
}

/// The sample aspect ratio of a picture that is shown in the display aspect ratio given.
fn sample_aspect_ratio(parameters: &Initialize) -> (u32, u32) {
    let horizontal = u64::from(parameters.dar_width) * u64::from(parameters.height);
    let vertical = u64::from(parameters.dar_height) * u64::from(parameters.width);
    let divisor = greatest_common_divisor(horizontal, vertical).max(1);
    match (u16::try_from(horizontal / divisor), u16::try_from(vertical / divisor)) {
        (Ok(horizontal), Ok(vertical)) => (horizontal.into(), vertical.into()),
        _ => (0, 0),
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

fn check_size(width: u32, height: u32) -> Outcome {
    let smallest = ledger::lock().config.encoder_min_size;
    let fits = (smallest.0..=MAX_SIZE).contains(&width) && (smallest.1..=MAX_SIZE).contains(&height);
    if fits { Ok(()) } else { Err(nv::INVALID_PARAM) }
}

fn parameters(initialize: &Initialize, config: &Config) -> Outcome<Parameters> {
    let h264 = &config.h264;
    let profile = profile(config.profile).ok_or(nv::UNSUPPORTED_PARAM)?;
    if h264.chroma_format_idc == CHROMA_444 {
        return Err(nv::UNSUPPORTED_PARAM);
    }
    if !(0..=MAX_B_PICTURES + 1).contains(&config.frame_interval_p) {
        return Err(nv::INVALID_PARAM);
    }
    if profile == Profile::Baseline && config.frame_interval_p > 1 {
        return Err(nv::INVALID_PARAM);
    }
    let usability = &h264.usability;
    let gop_length = u64::from(config.gop_length);
    Ok(Parameters {
        width: initialize.width as usize,
        height: initialize.height as usize,
        profile,
        level: h264.level,
        frame_interval: config.frame_interval_p as usize,
        gop_length,
        idr_period: if h264.idr_period == 0 { gop_length } else { h264.idr_period.into() },
        frame_rate: (initialize.frame_rate_num, initialize.frame_rate_den),
        sample_aspect_ratio: sample_aspect_ratio(initialize),
        signal_type: signal_type(usability),
        chroma_location: (usability.chroma_location_present != 0)
            .then_some((usability.chroma_location_top.min(5), usability.chroma_location_bottom.min(5))),
    })
}

fn initialize(session: &mut Session, initialize: &Initialize) -> Outcome {
    if session.stream.is_some() {
        return Err(nv::INVALID_CALL);
    }
    if initialize.codec != guid::CODEC_H264 {
        return Err(nv::UNSUPPORTED_PARAM);
    }
    if initialize.picture_type_decision == 0 || initialize.asynchronous != 0 {
        return Err(nv::UNSUPPORTED_PARAM);
    }
    check_size(initialize.width, initialize.height)?;
    let config = initialize.config.structure(nv::UNSUPPORTED_PARAM)?;
    let parameters = parameters(initialize, config)?;
    let hold = config.rate_control.look_ahead().max(ledger::lock().config.hold as usize);
    session.record(|record| {
        record.codec = "h264".into();
        record.width = initialize.width;
        record.height = initialize.height;
        record.bit_rate = config.rate_control.average_bit_rate;
    });
    session.stream = Some(Stream {
        encoder: Encoder::new(parameters.clone()),
        parameters,
        look_ahead: VecDeque::new(),
        hold,
        headers: match (config.h264.disable_parameter_sets(), config.h264.repeat_parameter_sets()) {
            (true, _) => Headers::Never,
            (false, true) => Headers::EachIdr,
            (false, false) => Headers::Once,
        },
        headers_written: false,
        force_idr: false,
    });
    Ok(())
}

fn reconfigure(session: &mut Session, change: &Reconfigure) -> Outcome {
    let stream = session.stream()?;
    let wanted = &change.initialize;
    let same_size =
        wanted.width as usize == stream.parameters.width && wanted.height as usize == stream.parameters.height;
    if !same_size || wanted.codec != guid::CODEC_H264 {
        return Err(nv::INVALID_PARAM);
    }
    // No configuration means that the one in force stays.
    let config = wanted.config.structure(nv::INVALID_PTR).ok();
    if let Some(config) = &config {
        let same_gop = config.frame_interval_p == stream.parameters.frame_interval as i32
            && u64::from(config.gop_length) == stream.parameters.gop_length;
        if !same_gop {
            return Err(nv::INVALID_PARAM);
        }
    }
    stream.parameters.sample_aspect_ratio = sample_aspect_ratio(wanted);
    stream.force_idr |= change.flags & (RESET_ENCODER | FORCE_IDR) != 0;
    session.record(|record| {
        record.reconfigured += 1;
        if let Some(config) = config {
            record.bit_rate = config.rate_control.average_bit_rate;
        }
    });
    Ok(())
}

/// Copies the parameter sets to where the caller wants them.
fn put_parameter_sets(sets: &[u8], target: &SequenceParameters) -> Outcome {
    if target.buffer.is_null() || target.length.is_null() {
        return Err(nv::INVALID_PTR);
    }
    if (target.room as usize) < sets.len() {
        return Err(nv::NOT_ENOUGH_BUFFER);
    }
    // SAFETY: by the interface the buffer has `room` bytes, which was just found to be enough.
    unsafe { std::ptr::copy_nonoverlapping(sets.as_ptr(), target.buffer, sets.len()) };
    target.length.set(sets.len() as u32)
}

api! { table;
    fn nvEncInitializeEncoder(encoder: Handle, wanted: Out<Initialize>) {
        let wanted = layout::structure(wanted)?;
        with_current(encoder, "nvEncInitializeEncoder", |session| initialize(session, wanted))
    }

    fn nvEncReconfigureEncoder(encoder: Handle, change: Out<Reconfigure>) {
        let change = layout::structure(change)?;
        with_current(encoder, "nvEncReconfigureEncoder", |session| reconfigure(session, change))
    }

    fn nvEncGetSequenceParams(encoder: Handle, target: Out<SequenceParameters>) {
        let target = layout::structure(target)?;
        with(encoder, "nvEncGetSequenceParams", |session| {
            put_parameter_sets(&parameter_sets(&session.stream()?.parameters), target)
        })
    }

    /// The same, before the encoder is initialised.
    fn nvEncGetSequenceParamEx(encoder: Handle, wanted: Out<Initialize>, target: Out<SequenceParameters>) {
        let (wanted, target) = (layout::structure(wanted)?, layout::structure(target)?);
        let config = wanted.config.structure(nv::INVALID_PTR)?;
        let sets = parameter_sets(&parameters(wanted, config)?);
        with(encoder, "nvEncGetSequenceParamEx", |_| put_parameter_sets(&sets, target))
    }
}
