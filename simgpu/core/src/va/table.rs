//! The way in: libva opens this library as `sim_drv_video.so`, calls the one function that it exports, and gets a table of the others.

use super::config::{ENTRYPOINTS, PROFILES};
use super::display::{self, Driver};
use super::{absent, buffer, config, image, picture, surface};
use crate::status::va;
use std::ffi::c_void;

const VENDOR: &std::ffi::CStr = c"simgpu: SIMULATED VA-API driver";

/// Attributes that a configuration can have, more than libva knows.
const MOST_ATTRIBUTES: i32 = 64;

/// The functions, each with its place in `VADriverVTable`, which no version of libva has changed.
macro_rules! functions {
    ($($place:literal $function:path,)*) => {
        [$(($place, $function as *const c_void)),*]
    };
}

api! { table;
    fn vaTerminate(driver: Driver) {
        display::terminate(driver)
    }
}

api! { export;
    fn __vaDriverInit_1_0(driver: Driver) {
        // SAFETY: libva passes its own struct, which nobody else knows yet; the fields up to `vendor` are the same in all of libva 2.
        let context = unsafe { driver.as_mut() }.ok_or(va::INVALID_DISPLAY)?;
        let table = functions! {
            0 vaTerminate,
            1 config::vaQueryConfigProfiles,
            2 config::vaQueryConfigEntrypoints,
            3 config::vaGetConfigAttributes,
            4 config::vaCreateConfig,
            5 config::vaDestroyConfig,
            6 config::vaQueryConfigAttributes,
            7 surface::vaCreateSurfaces,
            8 surface::vaDestroySurfaces,
            9 picture::vaCreateContext,
            10 picture::vaDestroyContext,
            11 buffer::vaCreateBuffer,
            12 buffer::vaBufferSetNumElements,
            13 buffer::vaMapBuffer,
            14 buffer::vaUnmapBuffer,
            15 buffer::vaDestroyBuffer,
            16 picture::vaBeginPicture,
            17 picture::vaRenderPicture,
            18 picture::vaEndPicture,
            19 surface::vaSyncSurface,
            20 surface::vaQuerySurfaceStatus,
            23 image::vaQueryImageFormats,
            24 image::vaCreateImage,
            25 image::vaDeriveImage,
            26 image::vaDestroyImage,
            27 absent::vaSetImagePalette,
            28 image::vaGetImage,
            29 image::vaPutImage,
            30 absent::vaQuerySubpictureFormats,
            31 absent::vaCreateSubpicture,
            32 absent::vaDestroySubpicture,
            33 absent::vaSetSubpictureImage,
            34 absent::vaSetSubpictureChromakey,
            35 absent::vaSetSubpictureGlobalAlpha,
            36 absent::vaAssociateSubpicture,
            37 absent::vaDeassociateSubpicture,
            38 absent::vaQueryDisplayAttributes,
            39 absent::vaGetDisplayAttributes,
            40 absent::vaSetDisplayAttributes,
            41 buffer::vaBufferInfo,
            45 surface::vaCreateSurfaces2,
            46 config::vaQuerySurfaceAttributes,
            57 buffer::vaSyncBuffer,
            59 buffer::vaMapBuffer2,
        };
        // SAFETY: libva allocated the table that it points to, with places for its own later functions in what was reserved.
        let places = unsafe { context.vtable.as_mut() }.ok_or(va::INVALID_DISPLAY)?;
        for (place, function) in table {
            places[place] = function;
        }
        (context.version_major, context.version_minor) = (1, 17);
        context.max_profiles = PROFILES.len() as i32;
        context.max_entrypoints = ENTRYPOINTS.len() as i32;
        context.max_attributes = MOST_ATTRIBUTES;
        context.max_image_formats = image::FORMATS.len() as i32;
        (context.max_subpic_formats, context.max_display_attributes) = (1, 1);
        context.vendor = VENDOR.as_ptr();
        context.driver_data = display::create();
        Ok(())
    }
}
