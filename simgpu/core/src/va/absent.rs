//! What libva asks every driver to have and nobody needs here: subpictures, palettes and display attributes. All say so.

use super::display::Driver;
use crate::api::Out;
use crate::status::va;

/// None of these looks at its arguments, whatever they are.
macro_rules! absent {
    ($($name:ident)*) => { api! { table; $( fn $name() { Err(va::UNIMPLEMENTED) } )* } };
}
absent! {
    vaSetImagePalette vaCreateSubpicture vaDestroySubpicture vaSetSubpictureImage vaSetSubpictureChromakey vaSetSubpictureGlobalAlpha
    vaAssociateSubpicture vaDeassociateSubpicture vaGetDisplayAttributes vaSetDisplayAttributes
}

api! { table;
    fn vaQuerySubpictureFormats(_driver: Driver, _formats: *mut u8, _flags: *mut u32, count: Out<u32>) {
        count.put(0, va::INVALID_PARAMETER)
    }

    fn vaQueryDisplayAttributes(_driver: Driver, _attributes: *mut u8, count: Out<i32>) {
        count.put(0, va::INVALID_PARAMETER)
    }
}
