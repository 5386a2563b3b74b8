//! The structures of va.h and va_backend.h, as far as they are used. Their layout is the same in all of libva 2.x: VA-API 1
//! only ever takes from its reserved fields.

use std::ffi::{c_char, c_int, c_void};
use std::mem::{offset_of, size_of};

/// `VA_INVALID_ID`
pub const INVALID_ID: u32 = u32::MAX;

/// `VAProfile` values.
pub mod profile {
    pub const H264_MAIN: i32 = 6;
    pub const H264_HIGH: i32 = 7;
    pub const H264_CONSTRAINED_BASELINE: i32 = 13;
}

/// `VAEntrypoint` values.
pub mod entrypoint {
    pub const DECODE: i32 = 1;
    pub const ENCODE: i32 = 6;
}

/// `VABufferType` values.
pub mod buffer_type {
    pub const PICTURE_PARAMETER: u32 = 0;
    pub const IQ_MATRIX: u32 = 1;
    pub const SLICE_PARAMETER: u32 = 4;
    pub const SLICE_DATA: u32 = 5;
    pub const IMAGE: u32 = 9;
    pub const CODED: u32 = 21;
    pub const ENC_SEQUENCE: u32 = 22;
    pub const ENC_PICTURE: u32 = 23;
    pub const ENC_SLICE: u32 = 24;
    pub const ENC_PACKED_PARAMETER: u32 = 25;
    pub const ENC_PACKED_DATA: u32 = 26;
    pub const ENC_MISC: u32 = 27;
}

/// `VA_FOURCC_*`
pub mod fourcc {
    pub const NV12: u32 = u32::from_le_bytes(*b"NV12");
    pub const YV12: u32 = u32::from_le_bytes(*b"YV12");
    pub const I420: u32 = u32::from_le_bytes(*b"I420");
}

/// `VASurfaceAttribType` values.
pub mod surface_attribute {
    pub const PIXEL_FORMAT: i32 = 1;
    pub const MIN_WIDTH: i32 = 2;
    pub const MAX_WIDTH: i32 = 3;
    pub const MIN_HEIGHT: i32 = 4;
    pub const MAX_HEIGHT: i32 = 5;
    pub const MEMORY_TYPE: i32 = 6;
    pub const EXTERNAL_BUFFER: i32 = 7;
}

/// `VAGenericValueType` values.
pub mod value_type {
    pub const INTEGER: i32 = 1;
}

/// `VA_SURFACE_ATTRIB_MEM_TYPE_*`
pub mod memory_type {
    pub const VA: u32 = 1;
    pub const PRIME: u32 = 0x2000_0000;
    pub const PRIME_2: u32 = 0x4000_0000;
}

/// `VA_RT_FORMAT_YUV420`
pub const RT_FORMAT_YUV420: u32 = 1;

/// `VADriverContext`, up to the last field used. libva allocates it.
#[repr(C)]
pub struct DriverContext {
    /// Ours: the display's handle.
    pub driver_data: usize,
    pub vtable: *mut Vtable,
    pub others: [usize; 4],
    pub x11_screen: c_int,
    pub version_major: c_int,
    pub version_minor: c_int,
    pub max_profiles: c_int,
    pub max_entrypoints: c_int,
    pub max_attributes: c_int,
    pub max_image_formats: c_int,
    pub max_subpic_formats: c_int,
    pub max_display_attributes: c_int,
    pub vendor: *const c_char,
}

/// `VADriverVTable`: 57 functions and 56 reserved places in libva 2.17, later functions in what was reserved.
pub type Vtable = [*const c_void; 113];

/// `VAConfigAttrib`
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigAttribute {
    pub kind: c_int,
    pub value: u32,
}

/// `VASurfaceAttrib` with a value that is a number or a pointer.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SurfaceAttribute {
    pub kind: c_int,
    pub flags: u32,
    /// `VAGenericValueType`
    pub value_type: c_int,
    pub value: usize,
}

/// `VAImageFormat`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ImageFormat {
    pub fourcc: u32,
    pub byte_order: u32,
    pub bits_per_pixel: u32,
    pub rest: [u32; 9],
}

/// `VAImage`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Image {
    pub image_id: u32,
    pub format: ImageFormat,
    pub buffer: u32,
    pub width: u16,
    pub height: u16,
    pub data_size: u32,
    pub plane_count: u32,
    pub pitches: [u32; 3],
    pub offsets: [u32; 3],
    pub rest: [u32; 7],
}

/// `VADRMPRIMESurfaceDescriptor`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PrimeSurface {
    pub fourcc: u32,
    pub width: u32,
    pub height: u32,
    pub object_count: u32,
    pub objects: [PrimeObject; 4],
    pub layer_count: u32,
    pub layers: [PrimeLayer; 4],
}

/// An object of a [`PrimeSurface`].
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PrimeObject {
    pub fd: c_int,
    pub size: u32,
    pub modifier: u64,
}

/// A layer of a [`PrimeSurface`].
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PrimeLayer {
    pub format: u32,
    pub plane_count: u32,
    pub object_index: [u32; 4],
    pub offset: [u32; 4],
    pub pitch: [u32; 4],
}

/// `VASurfaceAttribExternalBuffers`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ExternalBuffers {
    pub fourcc: u32,
    pub width: u32,
    pub height: u32,
    pub data_size: u32,
    pub plane_count: u32,
    pub pitches: [u32; 4],
    pub offsets: [u32; 4],
    pub buffers: *const usize,
    pub buffer_count: u32,
}

/// `VACodedBufferSegment`
#[repr(C)]
pub struct CodedSegment {
    pub size: u32,
    pub bit_offset: u32,
    pub status: u32,
    pub reserved: u32,
    pub data: *const u8,
    pub next: *const CodedSegment,
    pub padding: [u32; 4],
}

/// `VAEncPackedHeaderParameterBuffer`
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct PackedHeader {
    pub kind: u32,
    pub bit_length: u32,
    pub has_emulation_bytes: u8,
}

/// `VAEncMiscParameterBuffer` with the beginning of `VAEncMiscParameterRateControl`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct RateControl {
    /// `VAEncMiscParameterType`
    pub kind: u32,
    pub bits_per_second: u32,
}

// Offsets as the C compiler gives them for libva's headers on a 64-bit system.
const _: () = {
    assert!(offset_of!(DriverContext, vtable) == 8 && offset_of!(DriverContext, version_major) == 52);
    assert!(offset_of!(DriverContext, max_display_attributes) == 80 && offset_of!(DriverContext, vendor) == 88);
    assert!(size_of::<Vtable>() == 904);
    assert!(size_of::<ConfigAttribute>() == 8 && size_of::<SurfaceAttribute>() == 24);
    assert!(offset_of!(SurfaceAttribute, value) == 16);
    assert!(size_of::<ImageFormat>() == 48 && size_of::<Image>() == 120);
    assert!(offset_of!(Image, buffer) == 52 && offset_of!(Image, data_size) == 60);
    assert!(offset_of!(Image, pitches) == 68 && offset_of!(Image, offsets) == 80);
    assert!(size_of::<PrimeSurface>() == 312 && offset_of!(PrimeSurface, objects) == 16);
    assert!(offset_of!(PrimeSurface, layer_count) == 80 && offset_of!(PrimeSurface, layers) == 84);
    assert!(offset_of!(ExternalBuffers, buffers) == 56 && offset_of!(ExternalBuffers, buffer_count) == 64);
    assert!(size_of::<CodedSegment>() == 48 && offset_of!(CodedSegment, data) == 16);
    assert!(offset_of!(PackedHeader, has_emulation_bytes) == 8);
};
