//! What the driver can do, and configurations: a profile with an entrypoint.

use super::display::{Driver, with};
use super::layout::{ConfigAttribute, RT_FORMAT_YUV420, SurfaceAttribute, entrypoint, fourcc, memory_type, profile};
use super::layout::{surface_attribute as surface, value_type};
use crate::api::Out;
use crate::ledger;
use crate::status::{Outcome, va};
use std::slice;

/// The profiles, all of H.264.
pub const PROFILES: [i32; 3] = [profile::H264_CONSTRAINED_BASELINE, profile::H264_MAIN, profile::H264_HIGH];
/// The entrypoints of each.
pub const ENTRYPOINTS: [i32; 2] = [entrypoint::DECODE, entrypoint::ENCODE];
/// The largest picture, in pixels each way.
pub const LARGEST: u32 = 4096;
/// The smallest that is decoded.
const SMALLEST: u32 = 16;

/// `VA_ATTRIB_NOT_SUPPORTED`
const NOT_SUPPORTED: u32 = 1 << 31;

/// A configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    pub profile: i32,
    pub entrypoint: i32,
}

impl Config {
    fn new(profile: i32, entrypoint: i32) -> Outcome<Config> {
        if !PROFILES.contains(&profile) {
            return Err(va::UNSUPPORTED_PROFILE);
        }
        if !ENTRYPOINTS.contains(&entrypoint) {
            return Err(va::UNSUPPORTED_ENTRYPOINT);
        }
        Ok(Config { profile, entrypoint })
    }

    /// Whether it encodes; it decodes otherwise.
    pub fn encodes(self) -> bool {
        self.entrypoint == entrypoint::ENCODE
    }

    /// The value of a `VAConfigAttribType`.
    fn attribute(self, kind: i32) -> u32 {
        match (kind, self.encodes()) {
            (0, _) => RT_FORMAT_YUV420,
            (18 | 19, _) => LARGEST,
            // VA_RC_CQP, VA_RC_CBR, VA_RC_VBR: taken note of; the stream is lossless in any case.
            (5, true) => 0x10 | 0x02 | 0x04,
            // Headers that the program writes: sequence, slice, miscellaneous, raw data. Without them nothing is encoded.
            (10, true) => 0x01 | 0x04 | 0x08 | 0x10,
            // Reference pictures in list 0, and in list 1.
            (13, true) => 1 | 1 << 16,
            (14, true) => 32,
            // VA_ENC_SLICE_STRUCTURE_ARBITRARY_MACROBLOCKS
            (15, true) => 2,
            _ => NOT_SUPPORTED,
        }
    }

    /// The sizes of surfaces that it takes: the smallest width and height.
    fn smallest(self) -> (u32, u32) {
        if self.encodes() { ledger::lock().config.encoder_min_size } else { (SMALLEST, SMALLEST) }
    }
}

/// Writes a list to a place that has room for it, and its length.
fn list(values: &[i32], place: *mut i32, count: Out<i32>) -> Outcome {
    if place.is_null() {
        return Err(va::INVALID_PARAMETER);
    }
    // SAFETY: libva allocates as much as the driver said in max_profiles and max_entrypoints, which is what these lists have.
    unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), place, values.len()) };
    count.put(values.len() as i32, va::INVALID_PARAMETER)
}

/// The program's list of attributes.
fn attributes<'call>(place: *mut ConfigAttribute, count: i32) -> Outcome<&'call mut [ConfigAttribute]> {
    match usize::try_from(count) {
        Ok(0) => Ok(&mut []),
        // SAFETY: by va.h the program passes as many attributes as it says, which nobody else touches during the call.
        Ok(count) if !place.is_null() => Ok(unsafe { slice::from_raw_parts_mut(place, count) }),
        _ => Err(va::INVALID_PARAMETER),
    }
}

api! { table;
    fn vaQueryConfigProfiles(driver: Driver, profiles: *mut i32, count: Out<i32>) {
        with(driver, "vaQueryConfigProfiles", |_| list(&PROFILES, profiles, count))
    }

    fn vaQueryConfigEntrypoints(driver: Driver, profile: i32, entrypoints: *mut i32, count: Out<i32>) {
        with(driver, "vaQueryConfigEntrypoints", |_| {
            Config::new(profile, entrypoint::DECODE)?;
            list(&ENTRYPOINTS, entrypoints, count)
        })
    }

    fn vaGetConfigAttributes(driver: Driver, profile: i32, entrypoint: i32, place: *mut ConfigAttribute, count: i32) {
        with(driver, "vaGetConfigAttributes", |_| {
            let config = Config::new(profile, entrypoint)?;
            for attribute in attributes(place, count)? {
                attribute.value = config.attribute(attribute.kind);
            }
            Ok(())
        })
    }

    fn vaCreateConfig(
        driver: Driver,
        profile: i32,
        entrypoint: i32,
        place: *mut ConfigAttribute,
        count: i32,
        id: Out<u32>,
    ) {
        with(driver, "vaCreateConfig", |display| {
            let config = Config::new(profile, entrypoint)?;
            for asked in attributes(place, count)? {
                let has = config.attribute(asked.kind);
                // Of these, a program asks for some of the bits.
                if has == NOT_SUPPORTED || asked.value & !has != 0 {
                    return super::refuse("vaCreateConfig", &format!("attribute {} = {:#x}", asked.kind, asked.value), va::ATTR_NOT_SUPPORTED);
                }
            }
            id.put(display.configs.insert(config), va::INVALID_PARAMETER)
        })
    }

    fn vaDestroyConfig(driver: Driver, id: u32) {
        with(driver, "vaDestroyConfig", |display| display.configs.remove(id, "vaDestroyConfig").map(drop))
    }

    fn vaQueryConfigAttributes(
        driver: Driver,
        id: u32,
        profile: Out<i32>,
        entrypoint: Out<i32>,
        place: *mut ConfigAttribute,
        count: Out<i32>,
    ) {
        with(driver, "vaQueryConfigAttributes", |display| {
            let config = *display.configs.get(id, "vaQueryConfigAttributes")?;
            profile.put(config.profile, va::INVALID_PARAMETER)?;
            entrypoint.put(config.entrypoint, va::INVALID_PARAMETER)?;
            attributes(place, 1)?[0] = ConfigAttribute { kind: 0, value: RT_FORMAT_YUV420 };
            count.put(1, va::INVALID_PARAMETER)
        })
    }

    fn vaQuerySurfaceAttributes(driver: Driver, id: u32, place: *mut SurfaceAttribute, count: Out<u32>) {
        with(driver, "vaQuerySurfaceAttributes", |display| {
            let config = *display.configs.get(id, "vaQuerySurfaceAttributes")?;
            let (width, height) = config.smallest();
            let (get, set) = (1, 2);
            let all = [
                (surface::PIXEL_FORMAT, get | set, fourcc::NV12),
                (surface::MIN_WIDTH, get, width),
                (surface::MAX_WIDTH, get, LARGEST),
                (surface::MIN_HEIGHT, get, height),
                (surface::MAX_HEIGHT, get, LARGEST),
                (surface::MEMORY_TYPE, get | set, memory_type::VA | memory_type::PRIME | memory_type::PRIME_2),
            ];
            let room = count.structure(va::INVALID_PARAMETER)?;
            let fits = !place.is_null() && *room as usize >= all.len();
            *room = all.len() as u32;
            if place.is_null() {
                return Ok(());
            }
            if !fits {
                return Err(va::MAX_NUM_EXCEEDED);
            }
            for (index, (kind, flags, value)) in all.into_iter().enumerate() {
                let attribute = SurfaceAttribute { kind, flags, value_type: value_type::INTEGER, value: value as usize };
                // SAFETY: the program said that it has room for so many, as just compared.
                unsafe { place.add(index).write(attribute) };
            }
            Ok(())
        })
    }
}
