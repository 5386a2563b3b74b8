//! libcuda, as a program finds it: by its name.

use libloading::os::unix::Library;
use std::ffi::{c_int, c_uint, c_void};

pub const INVALID_VALUE: u32 = 1;
pub const OUT_OF_MEMORY: u32 = 2;
pub const INVALID_DEVICE: u32 = 101;
pub const INVALID_CONTEXT: u32 = 201;
pub const PRIMARY_CONTEXT_ACTIVE: u32 = 708;
pub const CONTEXT_IS_DESTROYED: u32 = 709;

/// `CUDA_MEMCPY2D`
#[repr(C)]
#[derive(Default)]
pub struct Copy2d {
    pub from: Side,
    pub to: Side,
    pub width: usize,
    pub height: usize,
}

#[repr(C)]
#[derive(Default)]
pub struct Side {
    pub x: usize,
    pub y: usize,
    pub kind: u32,
    pub host: usize,
    pub device: u64,
    pub array: usize,
    pub pitch: usize,
}

pub const HOST: u32 = 1;
pub const DEVICE: u32 = 2;

pub struct Cuda(Library);

macro_rules! functions {
    ($( fn $method:ident = $symbol:literal ( $($arg:ident : $ty:ty),* ); )*) => {
        impl Cuda { $(
            pub fn $method(&self, $($arg: $ty),*) -> u32 {
                // SAFETY: the type is the one that CUDA's documentation gives the function; the simulated driver checks every
                // handle and device address, and host addresses are the test's own buffers.
                unsafe {
                    let function = self.0.get::<unsafe extern "C" fn($($ty),*) -> u32>(concat!($symbol, "\0").as_bytes());
                    function.expect($symbol)($($arg),*)
                }
            }
        )* }
    };
}

functions! {
    fn init = "cuInit"(flags: c_uint);
    fn device_count = "cuDeviceGetCount"(count: &mut c_int);
    fn device_get = "cuDeviceGet"(device: &mut c_int, ordinal: c_int);
    fn ctx_create = "cuCtxCreate_v2"(context: &mut usize, flags: c_uint, device: c_int);
    fn ctx_destroy = "cuCtxDestroy_v2"(context: usize);
    fn ctx_push = "cuCtxPushCurrent_v2"(context: usize);
    fn ctx_pop = "cuCtxPopCurrent_v2"(context: &mut usize);
    fn ctx_current = "cuCtxGetCurrent"(context: &mut usize);
    fn primary_retain = "cuDevicePrimaryCtxRetain"(context: &mut usize, device: c_int);
    fn primary_release = "cuDevicePrimaryCtxRelease"(device: c_int);
    fn primary_set_flags = "cuDevicePrimaryCtxSetFlags"(device: c_int, flags: c_uint);
    fn primary_state = "cuDevicePrimaryCtxGetState"(device: c_int, flags: &mut c_uint, active: &mut c_int);
    fn alloc = "cuMemAlloc_v2"(pointer: &mut u64, size: usize);
    fn alloc_pitch = "cuMemAllocPitch_v2"(pointer: &mut u64, pitch: &mut usize, width: usize, height: usize, element: c_uint);
    fn free = "cuMemFree_v2"(pointer: u64);
    fn fill = "cuMemsetD8Async"(pointer: u64, value: u8, count: usize, stream: usize);
    fn to_device = "cuMemcpyHtoD_v2"(to: u64, from: *const c_void, count: usize);
    fn to_host = "cuMemcpyDtoH_v2"(to: *mut c_void, from: u64, count: usize);
    fn copy_2d = "cuMemcpy2D_v2"(copy: &Copy2d);
    fn stream_create = "cuStreamCreate"(stream: &mut usize, flags: c_uint);
    fn stream_destroy = "cuStreamDestroy_v2"(stream: usize);
    fn stream_synchronize = "cuStreamSynchronize"(stream: usize);
}

/// Opens libcuda and initialises it. The simulated driver must be started.
pub fn open() -> Cuda {
    // SAFETY: the simulated driver is loaded under this name already, so nothing is initialised here.
    let cuda = Cuda(unsafe { Library::new("libcuda.so.1") }.expect("libcuda.so.1 is the simulated one"));
    assert_eq!(cuda.init(0), 0);
    cuda
}

/// A context, destroyed at the end with what is on the stack above it.
pub struct Context<'c>(pub usize, &'c Cuda);

impl Cuda {
    pub fn context(&self) -> Context<'_> {
        let mut context = 0;
        assert_eq!(self.ctx_create(&mut context, 0, 0), 0);
        Context(context, self)
    }

    pub fn allocate(&self, size: usize) -> u64 {
        let mut pointer = 0;
        assert_eq!(self.alloc(&mut pointer, size), 0);
        pointer
    }
}

impl Drop for Context<'_> {
    fn drop(&mut self) {
        self.1.ctx_destroy(self.0);
    }
}
