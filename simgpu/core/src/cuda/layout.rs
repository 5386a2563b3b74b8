//! Structs of the CUDA interface, as far as they are used.

use std::mem::offset_of;

/// `CUDA_MEMCPY2D`.
#[repr(C)]
pub struct Memcpy2d {
    pub source: Plane,
    pub destination: Plane,
    pub width_in_bytes: usize,
    pub height: usize,
}

/// One side of a [`Memcpy2d`].
#[repr(C)]
pub struct Plane {
    pub x_in_bytes: usize,
    pub y: usize,
    pub memory_type: u32,
    pub host: usize,
    pub device: u64,
    pub array: usize,
    pub pitch: usize,
}

const _: () = {
    assert!(size_of::<Memcpy2d>() == 128);
    assert!(size_of::<Plane>() == 56);
    assert!(offset_of!(Plane, memory_type) == 16);
    assert!(offset_of!(Plane, host) == 24);
    assert!(offset_of!(Plane, device) == 32);
    assert!(offset_of!(Plane, pitch) == 48);
    assert!(offset_of!(Memcpy2d, destination) == 56);
    assert!(offset_of!(Memcpy2d, width_in_bytes) == 112);
    assert!(offset_of!(Memcpy2d, height) == 120);
};
