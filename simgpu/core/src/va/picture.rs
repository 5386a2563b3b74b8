//! Contexts, and the pictures that are rendered in them.

use super::buffer::Content;
use super::config::Config;
use super::decode::Decoder;
use super::display::{Display, Driver, with};
use super::encode;
use super::layout::{RateControl, buffer_type};
use super::layout_h264::{EncSequence, IqMatrix, PictureParameters, SliceParameters};
use super::plain::{read, read_all};
use super::surface::Encoding;
use super::{refuse, violation};
use crate::api::Out;
use crate::ledger;
use crate::status::{Outcome, va};
use crate::wire;
use std::slice;

/// A decoder or an encoder.
pub struct Context {
    config: Config,
    targets: Vec<u32>,
    picture: Option<Begun>,
    decoder: Decoder,
    /// The last one that the program gave: it gives one at IDR pictures alone.
    sequence: Option<EncSequence>,
}

/// A picture between vaBeginPicture and vaEndPicture.
struct Begun {
    target: u32,
    rendered: Vec<Rendered>,
}

/// A buffer as it was rendered.
pub struct Rendered {
    /// `VABufferType`
    pub kind: u32,
    /// Bytes of each element.
    pub element: usize,
    pub bytes: Vec<u8>,
}

impl Context {
    /// Whether the surface is one of those that the context was made for, or is in work.
    pub fn uses(&self, surface: u32) -> bool {
        self.targets.contains(&surface) || self.picture.as_ref().is_some_and(|begun| begun.target == surface)
    }
}

/// Ends a picture that a failing vaEndPicture gives up.
fn abandon(driver: Driver, id: u32) {
    let _ = with(driver, "vaEndPicture", |display| {
        if display.contexts.contains(id) {
            display.contexts.get(id, "vaEndPicture")?.picture = None;
        }
        Ok(())
    });
}

fn finish(display: &mut Display, id: u32) -> Outcome {
    let by = "vaEndPicture";
    let context = display.contexts.get(id, by)?;
    // No mistake: FFmpeg ends a picture whose beginning failed.
    let Some(Begun { target, rendered }) = context.picture.take() else { return Err(va::OPERATION_FAILED) };
    if context.config.encodes() {
        encode(display, id, target, &rendered)
    } else {
        decode(display, id, target, &rendered)
    }
}

fn decode(display: &mut Display, id: u32, target: u32, rendered: &[Rendered]) -> Outcome {
    let by = "vaEndPicture";
    let (mut picture, mut matrices) = (None, None);
    let mut slices = Vec::new();
    let mut parameters: Vec<SliceParameters> = Vec::new();
    for item in rendered {
        match item.kind {
            buffer_type::PICTURE_PARAMETER => picture = read::<PictureParameters>(&item.bytes),
            buffer_type::IQ_MATRIX => matrices = read::<IqMatrix>(&item.bytes),
            buffer_type::SLICE_PARAMETER => parameters = read_all(&item.bytes, item.element),
            buffer_type::SLICE_DATA => {
                slices.extend(parameters.drain(..).map(|parameters| (parameters, item.bytes.clone())));
            }
            other => return refuse(by, &format!("a buffer of type {other} in a decoded picture"), va::INVALID_BUFFER),
        }
    }
    let Some(picture) = picture else {
        return refuse(by, "a picture without VAPictureParameterBufferH264", va::INVALID_PARAMETER);
    };
    let surface = display.surfaces.get(target, by)?;
    if !surface.encodings.is_empty() {
        violation(format!("{by}: surface {target:#x} is decoded into while it is being encoded"));
    }
    let context = display.contexts.get(id, by)?;
    context.decoder.decode(&picture, matrices.as_ref(), &slices, &surface.pixels)?;
    if let Some(entry) = ledger::lock().decoders.get_mut(&display.contexts.handle(id)) {
        entry.pictures += 1;
    }
    Ok(())
}

fn encode(display: &mut Display, id: u32, target: u32, rendered: &[Rendered]) -> Outcome {
    let by = "vaEndPicture";
    let surface = display.surfaces.get(target, by)?;
    let context = display.contexts.get(id, by)?;
    let encode::Encoded { coded, data, idr } = encode::encode(rendered, &mut context.sequence, &surface.pixels)?;
    let Content::Coded(buffer) = &mut display.buffers.get(coded, by)?.content else {
        violation(format!("{by}: buffer {coded:#x} is no coded buffer"));
        return Err(va::INVALID_BUFFER);
    };
    if data.len() > buffer.room {
        return refuse(
            by,
            &format!("{} bytes do not fit a coded buffer of {}", data.len(), buffer.room),
            va::NOT_ENOUGH_BUFFER,
        );
    }
    if buffer.source.is_some() {
        violation(format!("{by}: coded buffer {coded:#x} is written again before anybody waited for it"));
    }
    buffer.fill(data, idr, target, id);
    surface.encodings.push(Encoding { coded, fingerprint: surface.pixels.fingerprint() });
    let bit_rate = rendered.iter().filter(|item| item.kind == buffer_type::ENC_MISC);
    let bit_rate = bit_rate.filter_map(|item| read::<RateControl>(&item.bytes)).find(|misc| misc.kind == RATE_CONTROL);
    if let Some(session) = ledger::lock().sessions.get_mut(&display.contexts.handle(id)) {
        session.pictures_in += 1;
        session.bit_rate = bit_rate.map_or(session.bit_rate, |misc| misc.bits_per_second);
    }
    Ok(())
}

/// `VAEncMiscParameterTypeRateControl`
const RATE_CONTROL: u32 = 1;

/// The program's list of ids.
fn ids<'call>(place: *const u32, count: i32) -> Outcome<&'call [u32]> {
    match usize::try_from(count) {
        Ok(0) => Ok(&[]),
        // SAFETY: by va.h the program passes as many ids as it says.
        Ok(count) if !place.is_null() => Ok(unsafe { slice::from_raw_parts(place, count) }),
        _ => Err(va::INVALID_PARAMETER),
    }
}

api! { table;
    fn vaCreateContext(
        driver: Driver,
        config: u32,
        width: i32,
        height: i32,
        _flags: i32,
        targets: *const u32,
        target_count: i32,
        place: Out<u32>,
    ) {
        let by = "vaCreateContext";
        with(driver, by, |display| {
            let config = *display.configs.get(config, by)?;
            let targets = ids(targets, target_count)?.to_vec();
            for target in &targets {
                display.surfaces.get(*target, by)?;
            }
            let surfaces = targets.len() as u32;
            let context = Context { config, targets, picture: None, decoder: Decoder::default(), sequence: None };
            let id = display.contexts.insert(context);
            let handle = display.contexts.handle(id);
            let (width, height) = (width.max(0) as u32, height.max(0) as u32);
            let codec = String::from("h264");
            let mut state = ledger::lock();
            if config.encodes() {
                let session = wire::Session { codec, width, height, open: true, ..wire::Session::default() };
                state.sessions.insert(handle, session);
            } else {
                let decoder = wire::Decoder { codec, width, height, surfaces, open: true, ..wire::Decoder::default() };
                state.decoders.insert(handle, decoder);
            }
            drop(state);
            place.put(id, va::INVALID_PARAMETER)
        })
    }

    fn vaDestroyContext(driver: Driver, id: u32) {
        let by = "vaDestroyContext";
        with(driver, by, |display| {
            let context = display.contexts.remove(id, by)?;
            if context.picture.is_some() {
                violation(format!("{by}: a picture was begun in context {id:#x} and not ended"));
            }
            let handle = display.contexts.handle(id);
            let mut state = ledger::lock();
            state.sessions.entry(handle).and_modify(|session| session.open = false);
            state.decoders.entry(handle).and_modify(|decoder| decoder.open = false);
            Ok(())
        })
    }

    fn vaBeginPicture(driver: Driver, id: u32, target: u32) {
        let by = "vaBeginPicture";
        with(driver, by, |display| {
            display.surfaces.get(target, by)?;
            let context = display.contexts.get(id, by)?;
            if context.picture.replace(Begun { target, rendered: Vec::new() }).is_some() {
                violation(format!("{by}: the picture before was not ended in context {id:#x}"));
            }
            Ok(())
        })
    }

    fn vaRenderPicture(driver: Driver, id: u32, buffers: *const u32, count: i32) {
        let by = "vaRenderPicture";
        with(driver, by, |display| {
            let mut rendered = Vec::new();
            for buffer in ids(buffers, count)? {
                let buffer = display.buffers.get(*buffer, by)?;
                let Content::Parameters { memory, element } = &buffer.content else {
                    return refuse(by, &format!("a buffer of type {}", buffer.kind), va::INVALID_BUFFER);
                };
                rendered.push(Rendered { kind: buffer.kind, element: *element, bytes: memory.copy() });
            }
            match &mut display.contexts.get(id, by)?.picture {
                Some(begun) => begun.rendered.append(&mut rendered),
                None => {
                    violation(format!("{by}: no picture was begun in context {id:#x}"));
                    return Err(va::OPERATION_FAILED);
                }
            }
            Ok(())
        })
    }

    fn vaEndPicture(driver: Driver, id: u32) failing { abandon(driver, id) } {
        with(driver, "vaEndPicture", |display| finish(display, id))
    }
}
