//! Structs of the NVENC interface, as far as they are used: no field past the last one that is. Each field lies where headers
//! 11.1 to 13.0 all have it. The structs' whole sizes and version words differ between them, so none is ever copied whole.

use super::guid::Guid;
use crate::api::Out;
use crate::ledger::Handle;
use crate::status::{Outcome, nv};
use std::mem::offset_of;

/// A struct that begins with its version word.
pub trait Versioned {
    /// The word: interface version, struct version, and a mark in bits 28 to 30.
    fn version(&self) -> u32;
}

/// The caller's struct, if it is there and has a version word.
pub fn structure<'call, T: Versioned>(parameters: Out<T>) -> Outcome<&'call mut T> {
    let found = parameters.structure(nv::INVALID_PTR)?;
    if found.version() >> 28 & 7 == 7 { Ok(found) } else { Err(nv::INVALID_VERSION) }
}

macro_rules! layouts {
    ($( $(#[$meta:meta])* $name:ident { $( $field:ident : $ty:ty = $offset:expr ),* $(,)? } )*) => { $(
        $(#[$meta])*
        #[repr(C)]
        pub struct $name { $( pub $field: $ty ),* }
        impl Versioned for $name {
            fn version(&self) -> u32 {
                self.version
            }
        }
        const _: () = { $( assert!(offset_of!($name, $field) == $offset); )* };
    )* };
}

layouts! {
    /// `NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS`
    OpenSession { version: u32 = 0, device_type: u32 = 4, device: Handle = 8, reserved: usize = 16, api_version: u32 = 24 }

    /// `NV_ENC_CAPS_PARAM`
    CapsQuery { version: u32 = 0, caps: u32 = 4 }

    /// `NV_ENC_RC_PARAMS`
    RateControl {
        version: u32 = 0,
        mode: u32 = 4,
        const_qp: [u32; 3] = 8,
        average_bit_rate: u32 = 20,
        max_bit_rate: u32 = 24,
        vbv_buffer_size: u32 = 28,
        vbv_initial_delay: u32 = 32,
        flags: u32 = 36,
        min_qp: [u32; 3] = 40,
        max_qp: [u32; 3] = 52,
        initial_qp: [u32; 3] = 64,
        temporal_layer_mask: u32 = 76,
        temporal_layer_qp: [u8; 8] = 80,
        target_quality: [u8; 2] = 88,
        look_ahead_depth: u16 = 90,
        rest: [u8; 36] = 92,
    }

    /// `NV_ENC_CONFIG` with the H.264 member of its union.
    Config {
        version: u32 = 0,
        profile: Guid = 4,
        gop_length: u32 = 20,
        frame_interval_p: i32 = 24,
        monochrome: u32 = 28,
        field_mode: u32 = 32,
        mv_precision: u32 = 36,
        rate_control: RateControl = 40,
        h264: H264 = 168,
        // The real struct holds pointers further on, which align it.
        align: [u64; 0] = 368,
    }

    /// `NV_ENC_PRESET_CONFIG`
    PresetConfig { version: u32 = 0, config: Config = 8 }

    /// `NV_ENC_INITIALIZE_PARAMS`
    Initialize {
        version: u32 = 0,
        codec: Guid = 4,
        preset: Guid = 20,
        width: u32 = 36,
        height: u32 = 40,
        dar_width: u32 = 44,
        dar_height: u32 = 48,
        frame_rate_num: u32 = 52,
        frame_rate_den: u32 = 56,
        asynchronous: u32 = 60,
        picture_type_decision: u32 = 64,
        flags: u32 = 68,
        private_size: u32 = 72,
        private: usize = 80,
        config: Out<Config> = 88,
        rest: [u8; 1712] = 96,
    }

    /// `NV_ENC_RECONFIGURE_PARAMS`
    Reconfigure { version: u32 = 0, initialize: Initialize = 8, flags: u32 = 1816 }

    /// `NV_ENC_SEQUENCE_PARAM_PAYLOAD`
    SequenceParameters {
        version: u32 = 0,
        room: u32 = 4,
        sps_id: u32 = 8,
        pps_id: u32 = 12,
        buffer: *mut u8 = 16,
        length: Out<u32> = 24,
    }

    /// `NV_ENC_CREATE_INPUT_BUFFER`
    CreateInputBuffer {
        version: u32 = 0,
        width: u32 = 4,
        height: u32 = 8,
        memory_heap: u32 = 12,
        format: u32 = 16,
        reserved: u32 = 20,
        buffer: Handle = 24,
    }

    /// `NV_ENC_CREATE_BITSTREAM_BUFFER`
    CreateBitstreamBuffer { version: u32 = 0, size: u32 = 4, memory_heap: u32 = 8, reserved: u32 = 12, buffer: Handle = 16 }

    /// `NV_ENC_LOCK_INPUT_BUFFER`
    LockInput { version: u32 = 0, flags: u32 = 4, buffer: Handle = 8, data: *mut u8 = 16, pitch: u32 = 24 }

    /// `NV_ENC_REGISTER_RESOURCE`
    Register {
        version: u32 = 0,
        resource_type: u32 = 4,
        width: u32 = 8,
        height: u32 = 12,
        pitch: u32 = 16,
        sub_resource: u32 = 20,
        resource: u64 = 24,
        registered: Handle = 32,
        format: u32 = 40,
        usage: u32 = 44,
    }

    /// `NV_ENC_MAP_INPUT_RESOURCE`
    Map {
        version: u32 = 0,
        sub_resource: u32 = 4,
        resource: usize = 8,
        registered: Handle = 16,
        mapped: Handle = 24,
        format: u32 = 32,
    }

    /// `NV_ENC_PIC_PARAMS`
    PictureParameters {
        version: u32 = 0,
        width: u32 = 4,
        height: u32 = 8,
        pitch: u32 = 12,
        flags: u32 = 16,
        index: u32 = 20,
        timestamp: u64 = 24,
        duration: u64 = 32,
        input: Handle = 40,
        output: Handle = 48,
    }

    /// `NV_ENC_LOCK_BITSTREAM`
    LockBitstream {
        version: u32 = 0,
        flags: u32 = 4,
        output: Handle = 8,
        slice_offsets: Out<u32> = 16,
        index: u32 = 24,
        status: u32 = 28,
        slices: u32 = 32,
        size: u32 = 36,
        timestamp: u64 = 40,
        duration: u64 = 48,
        data: *const u8 = 56,
        picture_type: u32 = 64,
        picture_structure: u32 = 68,
        average_qp: u32 = 72,
    }

    /// `NV_ENCODE_API_FUNCTION_LIST`, up to the last function of headers 11.1.
    FunctionList { version: u32 = 0, reserved: u32 = 4, functions: [*const (); 41] = 8 }
}

/// `NV_ENC_CONFIG_H264`
#[repr(C)]
pub struct H264 {
    pub flags: u32,
    pub level: u32,
    pub idr_period: u32,
    pub unused: [u32; 15],
    pub usability: Usability,
    pub ltr: [u32; 2],
    pub chroma_format_idc: u32,
}

/// `NV_ENC_CONFIG_H264_VUI_PARAMETERS`
#[repr(C)]
pub struct Usability {
    pub overscan: [u32; 2],
    pub signal_type_present: u32,
    pub video_format: u32,
    pub full_range: u32,
    pub colour_description_present: u32,
    pub primaries: u32,
    pub transfer: u32,
    pub matrix: u32,
    pub chroma_location_present: u32,
    pub chroma_location_top: u32,
    pub chroma_location_bottom: u32,
    pub unused: [u32; 16],
}

const _: () = {
    assert!(offset_of!(H264, idr_period) == 8);
    assert!(offset_of!(H264, usability) == 72);
    assert!(offset_of!(H264, chroma_format_idc) == 192);
    assert!(size_of::<Usability>() == 112);
    assert!(size_of::<RateControl>() == 128);
    assert!(size_of::<Initialize>() == 1808);
    assert!(size_of::<Guid>() == 16);
};

impl RateControl {
    /// How many pictures the encoder looks ahead.
    pub fn look_ahead(&self) -> usize {
        if self.flags & 1 << 5 != 0 { self.look_ahead_depth.into() } else { 0 }
    }
}

impl H264 {
    /// Whether parameter sets stay out of the stream.
    pub fn disable_parameter_sets(&self) -> bool {
        self.flags & 1 << 7 != 0
    }

    /// Whether they go before each IDR picture, not only the first.
    pub fn repeat_parameter_sets(&self) -> bool {
        self.flags & 1 << 12 != 0
    }
}

/// Bits of [`PictureParameters::flags`].
pub mod picture_flags {
    pub const FORCE_INTRA: u32 = 1;
    pub const FORCE_IDR: u32 = 2;
    pub const OUTPUT_PARAMETER_SETS: u32 = 4;
    pub const END_OF_STREAM: u32 = 8;
}
