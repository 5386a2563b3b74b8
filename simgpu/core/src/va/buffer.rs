//! Buffers: parameters for the driver, coded pictures, and the samples of images.

use super::display::{Display, Driver, with};
use super::image;
use super::layout::{CodedSegment, INVALID_ID, buffer_type};
use super::pixels::View;
use super::{refuse, violation};
use crate::api::Out;
use crate::ledger;
use crate::memory::HostMemory;
use crate::status::{Outcome, Status, va};
use std::ptr;

/// What a function answers to what is no buffer.
pub const NO_BUFFER: Status = va::INVALID_BUFFER;
/// The largest buffer, far above what a program needs.
const LARGEST: usize = 1 << 30;

/// A buffer.
pub struct Buffer {
    /// `VABufferType`
    pub kind: u32,
    pub content: Content,
    mappings: Vec<Mapping>,
}

/// What a buffer holds.
pub enum Content {
    /// Parameters or data for the driver, in elements of one size.
    Parameters { memory: HostMemory, element: usize },
    /// A coded picture, or room for one.
    Coded(Box<Coded>),
    /// An image's samples.
    Image { image: u32, size: usize },
}

/// A coded buffer.
pub struct Coded {
    /// Bytes that fit.
    pub room: usize,
    /// The surface whose picture is coded here, until the program has waited for it.
    pub source: Option<u32>,
    /// The context that wrote it.
    pub context: u32,
    /// What the program is shown, and what that points to.
    segment: CodedSegment,
    data: Vec<u8>,
    filled: bool,
    read: bool,
    /// Whether it is an IDR picture.
    idr: bool,
}

// SAFETY: the segment's pointer is into the `data` beside it, which goes and comes with it.
unsafe impl Send for Coded {}

/// A mapping that the program has.
struct Mapping {
    view: Option<View>,
    direction: Option<Direction>,
    before: u64,
}

/// What the program said that it does with a mapping.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Read,
    Write,
}

impl Buffer {
    /// The buffer of an image.
    pub fn of_image(image: u32, size: usize) -> Buffer {
        Buffer { kind: buffer_type::IMAGE, content: Content::Image { image, size }, mappings: Vec::new() }
    }

    /// Whether the program has it mapped.
    pub fn is_mapped(&self) -> bool {
        !self.mappings.is_empty()
    }
}

impl Coded {
    fn new(room: usize) -> Coded {
        let segment = CodedSegment {
            size: 0,
            bit_offset: 0,
            status: 0,
            reserved: 0,
            data: ptr::null(),
            next: ptr::null(),
            padding: [0; 4],
        };
        Coded { room, source: None, context: 0, segment, data: Vec::new(), filled: false, read: false, idr: false }
    }

    /// Takes a coded picture.
    pub fn fill(&mut self, data: Vec<u8>, idr: bool, source: u32, context: u32) {
        self.data = data;
        self.segment.size = self.data.len() as u32;
        self.segment.data = self.data.as_ptr();
        (self.source, self.context, self.idr) = (Some(source), context, idr);
        (self.filled, self.read) = (true, false);
    }
}

/// Waits for the picture that is coded into this buffer.
fn wait(display: &mut Display, id: u32, by: &str) -> Outcome {
    let Content::Coded(coded) = &mut display.buffers.get(id, by)?.content else { return Ok(()) };
    if let Some(source) = coded.source.take() {
        // A surface that is gone was reported when it went.
        if display.surfaces.contains(source) {
            display.surfaces.get(source, by)?.finish(by, |encoding| encoding.coded == id);
        }
    }
    Ok(())
}

fn map(driver: Driver, by: &str, id: u32, place: Out<*mut u8>, direction: Option<Direction>) -> Outcome {
    with(driver, by, |display| {
        if place.is_null() {
            return Err(va::INVALID_PARAMETER);
        }
        // Mapping a coded buffer waits for it.
        wait(display, id, by)?;
        let image = match &display.buffers.get(id, by)?.content {
            Content::Image { image, .. } => Some(*image),
            _ => None,
        };
        let mut mapping = Mapping { view: None, direction, before: 0 };
        let address = match image {
            Some(image) => {
                let pixels = image::pixels(display, image, by)?;
                let view = pixels.map().ok_or(va::ALLOCATION_FAILED)?;
                mapping.before = pixels.fingerprint();
                let address = view.as_ptr();
                mapping.view = Some(view);
                address
            }
            None => {
                let context = match &mut display.buffers.get(id, by)?.content {
                    Content::Coded(coded) => coded.context,
                    _ => 0,
                };
                let session = display.contexts.handle(context);
                match &mut display.buffers.get(id, by)?.content {
                    Content::Parameters { memory, .. } => memory.as_ptr(),
                    Content::Coded(coded) => {
                        if !coded.filled {
                            violation(format!("{by}: nothing was coded into buffer {id:#x}"));
                        }
                        if !std::mem::replace(&mut coded.read, true) && coded.filled {
                            let mut state = ledger::lock();
                            state.bytes.bitstream += coded.data.len() as u64;
                            if let Some(session) = state.sessions.get_mut(&session) {
                                session.packets_out += 1;
                                session.idr += u64::from(coded.idr);
                            }
                        }
                        (&raw mut coded.segment).cast()
                    }
                    Content::Image { .. } => return Err(NO_BUFFER),
                }
            }
        };
        display.buffers.get(id, by)?.mappings.push(mapping);
        place.set(address)
    })
}

fn unmap(display: &mut Display, id: u32, by: &str) -> Outcome {
    let buffer = display.buffers.get(id, by)?;
    let Some(mapping) = buffer.mappings.pop() else {
        violation(format!("{by}: buffer {id:#x} is not mapped"));
        return Err(va::INVALID_BUFFER);
    };
    let Content::Image { image, .. } = buffer.content else { return Ok(()) };
    if !matches!(display.images.get(image, by)?.source, image::Source::Surface(_)) {
        return Ok(());
    }
    // The host saw the surface's own memory. Only newer programs say what for.
    let pixels = image::pixels(display, image, by)?;
    let payload = pixels.shape.payload();
    let changed = pixels.fingerprint() != mapping.before;
    let mut state = ledger::lock();
    if changed || mapping.direction == Some(Direction::Write) {
        state.bytes.host_to_device += payload;
    } else {
        state.bytes.device_to_host += payload;
    }
    drop(state);
    if changed && mapping.direction == Some(Direction::Read) {
        violation(format!("{by}: a mapping for reading was written to"));
    }
    drop(mapping.view);
    Ok(())
}

/// Kinds that contexts of either sort take.
const TAKEN: [u32; 10] = [
    buffer_type::PICTURE_PARAMETER,
    buffer_type::IQ_MATRIX,
    buffer_type::SLICE_PARAMETER,
    buffer_type::SLICE_DATA,
    buffer_type::ENC_SEQUENCE,
    buffer_type::ENC_PICTURE,
    buffer_type::ENC_SLICE,
    buffer_type::ENC_PACKED_PARAMETER,
    buffer_type::ENC_PACKED_DATA,
    buffer_type::ENC_MISC,
];

api! { table;
    fn vaCreateBuffer(driver: Driver, context: u32, kind: u32, size: u32, count: u32, data: *const u8, place: Out<u32>) {
        let by = "vaCreateBuffer";
        with(driver, by, |display| {
            display.contexts.get(context, by)?;
            let element = size as usize;
            let length = element.checked_mul(count as usize).filter(|length| *length <= LARGEST);
            let length = length.ok_or(va::ALLOCATION_FAILED)?;
            let content = match kind {
                buffer_type::CODED => Content::Coded(Box::new(Coded::new(length))),
                _ if TAKEN.contains(&kind) => {
                    let memory = HostMemory::new(length);
                    if !data.is_null() && length > 0 {
                        // SAFETY: by va.h the program passes `size` times `count` bytes, and the new memory is another allocation.
                        memory.write(0, unsafe { std::slice::from_raw_parts(data, length) });
                    }
                    Content::Parameters { memory, element }
                }
                _ => return refuse(by, &format!("buffers of type {kind}"), va::UNSUPPORTED_BUFFERTYPE),
            };
            place.put(display.buffers.insert(Buffer { kind, content, mappings: Vec::new() }), va::INVALID_PARAMETER)
        })
    }

    fn vaBufferSetNumElements(driver: Driver, id: u32, count: u32) {
        let by = "vaBufferSetNumElements";
        with(driver, by, |display| {
            display.buffers.get(id, by)?;
            refuse(by, &format!("{count} elements in buffer {id:#x}"), va::UNIMPLEMENTED)
        })
    }

    fn vaMapBuffer(driver: Driver, id: u32, place: Out<*mut u8>) {
        map(driver, "vaMapBuffer", id, place, None)
    }

    /// Later than libva 2.17, whose table has no place for it.
    fn vaMapBuffer2(driver: Driver, id: u32, place: Out<*mut u8>, flags: u32) {
        let direction = match flags & 3 {
            1 => Some(Direction::Read),
            2 => Some(Direction::Write),
            _ => None,
        };
        map(driver, "vaMapBuffer2", id, place, direction)
    }

    fn vaUnmapBuffer(driver: Driver, id: u32) {
        with(driver, "vaUnmapBuffer", |display| unmap(display, id, "vaUnmapBuffer"))
    }

    fn vaDestroyBuffer(driver: Driver, id: u32) {
        let by = "vaDestroyBuffer";
        with(driver, by, |display| {
            if let Content::Image { image, .. } = display.buffers.get(id, by)?.content {
                violation(format!("{by}: buffer {id:#x} belongs to image {image:#x}"));
                return Err(va::INVALID_BUFFER);
            }
            wait(display, id, by)?;
            let buffer = display.buffers.remove(id, by)?;
            if buffer.is_mapped() {
                violation(format!("{by}: buffer {id:#x} is mapped"));
            }
            Ok(())
        })
    }

    fn vaSyncBuffer(driver: Driver, id: u32, _timeout: u64) {
        with(driver, "vaSyncBuffer", |display| {
            // So a program asks whether there is this function.
            if id == INVALID_ID {
                return Err(va::INVALID_BUFFER);
            }
            wait(display, id, "vaSyncBuffer")
        })
    }

    fn vaBufferInfo(driver: Driver, id: u32, kind: Out<u32>, size: Out<u32>, count: Out<u32>) {
        with(driver, "vaBufferInfo", |display| {
            let buffer = display.buffers.get(id, "vaBufferInfo")?;
            let (element, elements) = match &buffer.content {
                Content::Parameters { memory, element } => (*element, memory.len() / (*element).max(1)),
                Content::Coded(coded) => (coded.room, 1),
                Content::Image { size, .. } => (*size, 1),
            };
            kind.put(buffer.kind, va::INVALID_PARAMETER)?;
            size.put(element as u32, va::INVALID_PARAMETER)?;
            count.put(elements as u32, va::INVALID_PARAMETER)
        })
    }
}
