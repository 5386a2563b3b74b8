//! Surfaces: pictures in the device's memory, or in a DMA-BUF of somebody else's.

use super::config::LARGEST;
use super::display::{Display, Driver, with};
use super::layout::{
    ExternalBuffers, PrimeSurface, RT_FORMAT_YUV420, SurfaceAttribute, fourcc, memory_type, surface_attribute,
};
use super::pixels::{Pixels, Shape};
use super::{refuse, violation};
use crate::api::Out;
use crate::status::{Outcome, va};
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::slice;

/// `VASurfaceReady`
const READY: i32 = 4;

/// A surface.
pub struct Surface {
    pub pixels: Pixels,
    /// Pictures that the encoder took from here, and that the program has not waited for.
    pub encodings: Vec<Encoding>,
    /// Images that show this memory itself.
    pub derived: usize,
}

/// A picture that is being encoded, as far as the program knows.
pub struct Encoding {
    /// The coded buffer that it goes to.
    pub coded: u32,
    /// Of the surface's memory when the encoder was given it.
    pub fingerprint: u64,
}

impl Surface {
    fn new(pixels: Pixels) -> Surface {
        Surface { pixels, encodings: Vec::new(), derived: 0 }
    }

    /// Ends the waiting for pictures that are `chosen`: until then nobody may have changed what is encoded.
    pub fn finish(&mut self, by: &str, chosen: impl Fn(&Encoding) -> bool) {
        if !self.encodings.iter().any(&chosen) {
            return;
        }
        let now = self.pixels.fingerprint();
        let finished = self.encodings.extract_if_compat(chosen);
        if finished.iter().any(|encoding| encoding.fingerprint != now) {
            violation(format!("{by}: a surface was changed while it was being encoded"));
        }
    }
}

/// `Vec::extract_if` of later Rust versions.
trait ExtractIf<T> {
    fn extract_if_compat(&mut self, chosen: impl Fn(&T) -> bool) -> Vec<T>;
}

impl<T> ExtractIf<T> for Vec<T> {
    fn extract_if_compat(&mut self, chosen: impl Fn(&T) -> bool) -> Vec<T> {
        let (taken, kept) = std::mem::take(self).into_iter().partition(|item| chosen(item));
        *self = kept;
        taken
    }
}

/// What a program asks of new surfaces.
#[derive(Clone, Copy)]
enum Memory {
    Own,
    Prime(Shape, RawFd),
}

impl Memory {
    fn of(attributes: &[SurfaceAttribute], width: usize, height: usize) -> Outcome<Memory> {
        let by = "vaCreateSurfaces2";
        let (mut kind, mut external) = (memory_type::VA, std::ptr::null());
        for attribute in attributes {
            match attribute.kind {
                surface_attribute::PIXEL_FORMAT if attribute.value as u32 != fourcc::NV12 => {
                    let letters = String::from_utf8_lossy(&(attribute.value as u32).to_le_bytes()).into_owned();
                    return refuse(by, &format!("surfaces of {letters}"), va::ATTR_NOT_SUPPORTED);
                }
                surface_attribute::MEMORY_TYPE => kind = attribute.value as u32,
                surface_attribute::EXTERNAL_BUFFER => external = attribute.value as *const u8,
                _ => {}
            }
        }
        let shape = |fourcc, pitches: [u32; 4], offsets: [u32; 4], size: u32| {
            if fourcc != super::layout::fourcc::NV12 {
                return refuse(by, "external surfaces that are not NV12", va::ATTR_NOT_SUPPORTED);
            }
            let at = |list: [u32; 4]| [list[0] as usize, list[1] as usize, 0];
            Shape::external(width, height, at(pitches), at(offsets), size as usize).ok_or(va::INVALID_PARAMETER)
        };
        match kind {
            memory_type::VA => Ok(Memory::Own),
            memory_type::PRIME if !external.is_null() => {
                // SAFETY: by va.h the attribute's value is this struct for this kind of memory.
                let buffers = unsafe { external.cast::<ExternalBuffers>().read_unaligned() };
                if buffers.buffer_count != 1 || buffers.buffers.is_null() {
                    return refuse(by, "external surfaces of several buffers", va::UNSUPPORTED_MEMORY_TYPE);
                }
                // SAFETY: one buffer, as the program says.
                let fd = unsafe { *buffers.buffers } as RawFd;
                Ok(Memory::Prime(shape(buffers.fourcc, buffers.pitches, buffers.offsets, buffers.data_size)?, fd))
            }
            memory_type::PRIME_2 if !external.is_null() => {
                // SAFETY: as above.
                let surface = unsafe { external.cast::<PrimeSurface>().read_unaligned() };
                let (object, layer) = (surface.objects[0], surface.layers[0]);
                if surface.object_count != 1 || surface.layer_count != 1 {
                    return refuse(by, "external surfaces of several buffers or layers", va::UNSUPPORTED_MEMORY_TYPE);
                }
                if object.modifier != 0 {
                    return refuse(by, "tiled external surfaces", va::UNSUPPORTED_MEMORY_TYPE);
                }
                Ok(Memory::Prime(shape(surface.fourcc, layer.pitch, layer.offset, object.size)?, object.fd))
            }
            _ => refuse(by, &format!("memory type {kind:#x}"), va::UNSUPPORTED_MEMORY_TYPE),
        }
    }

    fn pixels(self, width: usize, height: usize) -> Outcome<Pixels> {
        match self {
            Memory::Own => Pixels::on_device(Shape::surface(width, height)),
            Memory::Prime(shape, fd) => Pixels::imported(shape, duplicate(fd, shape.size)?),
        }
    }
}

/// A descriptor of our own for a buffer that has at least this size.
fn duplicate(fd: RawFd, size: usize) -> Outcome<OwnedFd> {
    if fd < 0 {
        return Err(va::INVALID_PARAMETER);
    }
    // SAFETY: the program says that the descriptor is open, and it is borrowed for this call alone.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    let copy = fd.try_clone_to_owned().map_err(|_| va::ALLOCATION_FAILED)?;
    let file = std::fs::File::from(copy);
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    if length < size as u64 {
        return refuse("vaCreateSurfaces2", &format!("a buffer of {length} bytes for {size}"), va::INVALID_PARAMETER);
    }
    Ok(file.into())
}

fn create(display: &mut Display, format: u32, size: (u32, u32), place: &mut [u32], memory: Memory) -> Outcome {
    let by = "vaCreateSurfaces";
    if format & RT_FORMAT_YUV420 == 0 {
        return refuse(by, &format!("surfaces of format {format:#x}"), va::UNSUPPORTED_RT_FORMAT);
    }
    let (width, height) = size;
    if width == 0 || height == 0 || width > LARGEST || height > LARGEST {
        return refuse(by, &format!("surfaces of {width}x{height}"), va::RESOLUTION_NOT_SUPPORTED);
    }
    // All or none.
    let pixels: Outcome<Vec<Pixels>> = place.iter().map(|_| memory.pixels(width as usize, height as usize)).collect();
    for (id, pixels) in place.iter_mut().zip(pixels?) {
        *id = display.surfaces.insert(Surface::new(pixels));
    }
    Ok(())
}

/// The program's list of surfaces.
fn ids<'call>(place: *mut u32, count: u32) -> Outcome<&'call mut [u32]> {
    if place.is_null() || count == 0 {
        return Err(va::INVALID_PARAMETER);
    }
    // SAFETY: by va.h the program passes as many ids as it says, which nobody else touches during the call.
    Ok(unsafe { slice::from_raw_parts_mut(place, count as usize) })
}

api! { table;
    fn vaCreateSurfaces(driver: Driver, width: i32, height: i32, format: i32, count: i32, place: *mut u32) {
        with(driver, "vaCreateSurfaces", |display| {
            let size = (width.max(0) as u32, height.max(0) as u32);
            create(display, format as u32, size, ids(place, count.max(0) as u32)?, Memory::Own)
        })
    }

    fn vaCreateSurfaces2(
        driver: Driver,
        format: u32,
        width: u32,
        height: u32,
        place: *mut u32,
        count: u32,
        attributes: *const SurfaceAttribute,
        attribute_count: u32,
    ) {
        with(driver, "vaCreateSurfaces2", |display| {
            let attributes = if attributes.is_null() || attribute_count == 0 {
                &[]
            } else {
                // SAFETY: by va.h the program passes as many attributes as it says.
                unsafe { slice::from_raw_parts(attributes, attribute_count as usize) }
            };
            let memory = Memory::of(attributes, width as usize, height as usize)?;
            create(display, format, (width, height), ids(place, count)?, memory)
        })
    }

    fn vaDestroySurfaces(driver: Driver, place: *mut u32, count: i32) {
        let by = "vaDestroySurfaces";
        with(driver, by, |display| {
            for id in ids(place, count.max(0) as u32)? {
                let surface = display.surfaces.remove(*id, by)?;
                if surface.derived > 0 {
                    violation(format!("{by}: an image derived from surface {id:#x} is alive"));
                }
                if !surface.encodings.is_empty() {
                    violation(format!("{by}: surface {id:#x} is being encoded"));
                }
                if let Some((context, _)) = display.contexts.iter().find(|(_, context)| context.uses(*id)) {
                    violation(format!("{by}: surface {id:#x} belongs to the live context {context:#x}"));
                }
            }
            Ok(())
        })
    }

    fn vaSyncSurface(driver: Driver, id: u32) {
        let by = "vaSyncSurface";
        with(driver, by, |display| {
            display.surfaces.get(id, by)?.finish(by, |_| true);
            Ok(())
        })
    }

    fn vaQuerySurfaceStatus(driver: Driver, id: u32, status: Out<i32>) {
        with(driver, "vaQuerySurfaceStatus", |display| {
            display.surfaces.get(id, "vaQuerySurfaceStatus")?;
            status.put(READY, va::INVALID_PARAMETER)
        })
    }
}
