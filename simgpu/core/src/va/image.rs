//! Images: pictures that the program reads and writes. A derived one is a surface's own memory.

use super::buffer::{self, Buffer};
use super::display::{Driver, with};
use super::layout::{self, ImageFormat, fourcc};
use super::pixels::{Pixels, Shape};
use super::{refuse, violation};
use crate::api::Out;
use crate::ledger;
use crate::status::{Outcome, va};

/// The formats, of which surfaces have the first.
pub const FORMATS: [u32; 3] = [fourcc::NV12, fourcc::YV12, fourcc::I420];
/// `VA_LSB_FIRST`
const LSB_FIRST: u32 = 1;

/// An image.
pub struct Image {
    pub source: Source,
    /// Its buffer, which it takes with it.
    pub buffer: u32,
}

/// Where an image's samples are.
pub enum Source {
    Own(Pixels),
    Surface(u32),
}

fn format(fourcc: u32) -> ImageFormat {
    ImageFormat { fourcc, byte_order: LSB_FIRST, bits_per_pixel: 12, rest: [0; 9] }
}

/// Makes the image and its buffer, and tells the program.
fn announce(display: &mut super::display::Display, source: Source, shape: Shape, place: Out<layout::Image>) -> Outcome {
    if place.is_null() {
        return Err(va::INVALID_PARAMETER);
    }
    if let Source::Surface(surface) = source {
        display.surfaces.get(surface, "vaDeriveImage")?.derived += 1;
    }
    // The two know each other: the image is there first, with a buffer that is none.
    let image = display.images.insert(Image { source, buffer: layout::INVALID_ID });
    let buffer = display.buffers.insert(Buffer::of_image(image, shape.size));
    display.images.get(image, "vaCreateImage")?.buffer = buffer;
    place.set(layout::Image {
        image_id: image,
        format: format(shape.fourcc),
        buffer,
        width: shape.width as u16,
        height: shape.height as u16,
        data_size: shape.size as u32,
        plane_count: shape.planes() as u32,
        pitches: shape.pitches.map(|pitch| pitch as u32),
        offsets: shape.offsets.map(|offset| offset as u32),
        rest: [0; 7],
    })
}

/// Copies a whole picture between an image and a surface; parts of one are refused.
fn copy(
    driver: Driver,
    by: &str,
    surface: u32,
    image: u32,
    parts: [(i32, i32, u32, u32); 2],
    to_surface: bool,
) -> Outcome {
    with(driver, by, |display| {
        let surface = display.surfaces.get(surface, by)?;
        let image = display.images.get(image, by)?;
        let Source::Own(pixels) = &image.source else {
            return refuse(by, "a copy between a surface and a derived image", va::OPERATION_FAILED);
        };
        let due = (surface.pixels.shape.width as u32, surface.pixels.shape.height as u32);
        for (x, y, width, height) in parts {
            let room =
                (pixels.shape.width as u32).min(due.0) >= width && (pixels.shape.height as u32).min(due.1) >= height;
            if x != 0 || y != 0 || !room {
                return refuse(
                    by,
                    &format!("a copy of {width}x{height} at {x},{y} of {}x{}", due.0, due.1),
                    va::INVALID_PARAMETER,
                );
            }
        }
        if to_surface {
            surface.pixels.copy_from(pixels);
            ledger::lock().bytes.host_to_device += surface.pixels.shape.payload();
        } else {
            pixels.copy_from(&surface.pixels);
            ledger::lock().bytes.device_to_host += surface.pixels.shape.payload();
        }
        Ok(())
    })
}

api! { table;
    fn vaQueryImageFormats(driver: Driver, place: *mut ImageFormat, count: Out<i32>) {
        with(driver, "vaQueryImageFormats", |_| {
            if place.is_null() {
                return Err(va::INVALID_PARAMETER);
            }
            for (index, fourcc) in FORMATS.into_iter().enumerate() {
                // SAFETY: libva has the program allocate as many as the driver said in max_image_formats.
                unsafe { place.add(index).write(format(fourcc)) };
            }
            count.put(FORMATS.len() as i32, va::INVALID_PARAMETER)
        })
    }

    fn vaCreateImage(driver: Driver, format: Out<ImageFormat>, width: i32, height: i32, place: Out<layout::Image>) {
        with(driver, "vaCreateImage", |display| {
            let fourcc = format.structure(va::INVALID_PARAMETER)?.fourcc;
            let (Ok(width @ 1..=4096), Ok(height @ 1..=4096)) = (usize::try_from(width), usize::try_from(height)) else {
                return Err(va::INVALID_PARAMETER);
            };
            let shape = Shape::image(fourcc, width, height).ok_or(va::INVALID_IMAGE_FORMAT)?;
            announce(display, Source::Own(Pixels::on_host(shape)?), shape, place)
        })
    }

    fn vaDeriveImage(driver: Driver, surface: u32, place: Out<layout::Image>) {
        with(driver, "vaDeriveImage", |display| {
            let shape = display.surfaces.get(surface, "vaDeriveImage")?.pixels.shape;
            announce(display, Source::Surface(surface), shape, place)
        })
    }

    fn vaDestroyImage(driver: Driver, id: u32) {
        let by = "vaDestroyImage";
        with(driver, by, |display| {
            let image = display.images.remove(id, by)?;
            let own = display.buffers.remove(image.buffer, by)?;
            if own.is_mapped() {
                violation(format!("{by}: the buffer {:#x} of image {id:#x} is mapped", image.buffer));
            }
            if let Source::Surface(surface) = image.source {
                if display.surfaces.contains(surface) {
                    display.surfaces.get(surface, by)?.derived -= 1;
                }
            }
            Ok(())
        })
    }

    fn vaGetImage(driver: Driver, surface: u32, x: i32, y: i32, width: u32, height: u32, image: u32) {
        copy(driver, "vaGetImage", surface, image, [(x, y, width, height); 2], false)
    }

    fn vaPutImage(
        driver: Driver,
        surface: u32,
        image: u32,
        from_x: i32,
        from_y: i32,
        from_width: u32,
        from_height: u32,
        to_x: i32,
        to_y: i32,
        to_width: u32,
        to_height: u32,
    ) {
        let parts = [(from_x, from_y, from_width, from_height), (to_x, to_y, to_width, to_height)];
        copy(driver, "vaPutImage", surface, image, parts, true)
    }
}

/// The samples of the image that a buffer is of.
pub fn pixels<'d>(display: &'d mut super::display::Display, image: u32, by: &str) -> Outcome<&'d Pixels> {
    let surface = match &display.images.get(image, by)?.source {
        Source::Own(_) => None,
        Source::Surface(surface) => Some(*surface),
    };
    match surface {
        Some(surface) => Ok(&display.surfaces.get(surface, by)?.pixels),
        None => match &display.images.get(image, by)?.source {
            Source::Own(pixels) => Ok(pixels),
            Source::Surface(_) => Err(buffer::NO_BUFFER),
        },
    }
}
