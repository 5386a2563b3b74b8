//! Stands for a game: a CUDA context of its own, and rings of pictures in device memory that it draws into.

use avsluice::{Error, Result, cuda};
use libloading::Library;
use std::{
    ffi::{c_int, c_uint, c_void},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
};

/// Pictures that are in use at once: what the encoder holds, one in hand and one being drawn. NVENC registers 64 at most.
const PICTURES: usize = 12;

/// The driver's functions that are needed here.
struct Driver {
    push: unsafe extern "C" fn(*mut c_void) -> c_int,
    pop: unsafe extern "C" fn(*mut *mut c_void) -> c_int,
    destroy: unsafe extern "C" fn(*mut c_void) -> c_int,
    allocate: unsafe extern "C" fn(*mut u64, *mut usize, usize, usize, c_uint) -> c_int,
    free: unsafe extern "C" fn(u64) -> c_int,
    fill: unsafe extern "C" fn(u64, usize, u8, usize, usize) -> c_int,
    finish: unsafe extern "C" fn() -> c_int,
    _library: Library,
}

/// The renderer's context. It is destroyed when the last who holds it lets go: the device, or a ring.
pub struct Context {
    driver: Driver,
    handle: *mut c_void,
}

// SAFETY: a CUcontext may be used by any thread that makes it current, which each call below does.
unsafe impl Send for Context {}
// SAFETY: as above; the driver locks what its threads share.
unsafe impl Sync for Context {}

fn check(what: &str, status: c_int) -> Result<()> {
    if status == 0 { Ok(()) } else { Err(Error::other(format!("{what} failed with CUresult {status}"))) }
}

impl Context {
    fn new() -> Result<Self> {
        // SAFETY: the NVIDIA driver's library may be loaded at any time, and each function has the type that cuda.h declares.
        unsafe {
            let library = Library::new("libcuda.so.1").map_err(Error::other)?;
            macro_rules! function {
                ($name:literal) => {
                    *library.get(concat!($name, "\0").as_bytes()).map_err(Error::other)?
                };
            }
            let start: unsafe extern "C" fn(c_uint) -> c_int = function!("cuInit");
            let create: unsafe extern "C" fn(*mut *mut c_void, c_uint, c_int) -> c_int = function!("cuCtxCreate_v2");
            let driver = Driver {
                push: function!("cuCtxPushCurrent_v2"),
                pop: function!("cuCtxPopCurrent_v2"),
                destroy: function!("cuCtxDestroy_v2"),
                allocate: function!("cuMemAllocPitch_v2"),
                free: function!("cuMemFree_v2"),
                fill: function!("cuMemsetD2D8_v2"),
                finish: function!("cuCtxSynchronize"),
                _library: library,
            };
            check("cuInit", start(0))?;
            let mut handle = std::ptr::null_mut();
            check("cuCtxCreate", create(&mut handle, 0, 0))?;
            let context = Context { driver, handle };
            // A new context is current where it was made; here each use makes it so.
            check("cuCtxPopCurrent", (context.driver.pop)(&mut std::ptr::null_mut()))?;
            Ok(context)
        }
    }
    /// Runs calls with the context current.
    fn with<T>(&self, calls: impl FnOnce(&Driver) -> Result<T>) -> Result<T> {
        // SAFETY: the handle is live until `drop`.
        check("cuCtxPushCurrent", unsafe { (self.driver.push)(self.handle) })?;
        let result = calls(&self.driver);
        // SAFETY: it was pushed above.
        check("cuCtxPopCurrent", unsafe { (self.driver.pop)(&mut std::ptr::null_mut()) })?;
        result
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: nobody holds the context any more, by the `Arc` that it is kept in.
        unsafe { (self.driver.destroy)(self.handle) };
    }
}

/// An NV12 picture: luma rows, and the rows of chroma right behind them.
struct Memory {
    context: Arc<Context>,
    luma: u64,
    pitch: usize,
}

impl Memory {
    fn new(context: &Arc<Context>, width: usize, height: usize) -> Result<Self> {
        let (mut luma, mut pitch) = (0, 0);
        context.with(|driver| {
            // SAFETY: both results are this frame's own; the context is current.
            check("cuMemAllocPitch", unsafe { (driver.allocate)(&mut luma, &mut pitch, width, height * 3 / 2, 16) })
        })?;
        Ok(Memory { context: Arc::clone(context), luma, pitch })
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let freed = self.context.with(|driver| {
            // SAFETY: it was allocated in `new`, in this context, and nobody refers to it: a picture in use owns its memory.
            check("cuMemFree", unsafe { (driver.free)(self.luma) })
        });
        if let Err(error) = freed {
            eprintln!("warning: {error}");
        }
    }
}

/// The memory of a ring's pictures. An encoder that has seen a picture keeps its memory registered with the driver until it is closed, so
/// the session holds this for as long as its encoder lives.
pub struct Pictures(Vec<Memory>);

/// A picture on its way through the encoder: it goes back to its ring when the encoder lets go of it.
pub struct Rendered {
    pictures: Arc<Pictures>,
    index: usize,
    planes: [(cuda::Pointer, usize); 2],
    size: (u32, u32),
    pts: i64,
    ring: Sender<usize>,
}

impl Rendered {
    pub fn size(&self) -> (u32, u32) {
        self.size
    }
    pub fn pts(&self) -> i64 {
        self.pts
    }
    /// What must outlive the encoder.
    pub fn memory(&self) -> Arc<Pictures> {
        Arc::clone(&self.pictures)
    }
}

// SAFETY: the planes are NV12 in the renderer's context. They are not drawn into until this is dropped, which puts the picture back into
// the ring, and are allocated until the session drops what `memory` gave it, behind the encoder.
unsafe impl cuda::Picture for Rendered {
    fn planes(&self) -> &[(cuda::Pointer, usize)] {
        &self.planes
    }
}

impl Drop for Rendered {
    fn drop(&mut self) {
        let _ = self.ring.send(self.index); // a ring that is gone, after a change of size, needs it no more
    }
}

pub struct Renderer(Arc<Context>);

impl Renderer {
    pub fn new() -> Result<Self> {
        Context::new().map(|context| Renderer(Arc::new(context)))
    }
    pub fn context(&self) -> cuda::Context {
        cuda::Context(self.0.handle)
    }
    /// Who keeps the context alive.
    pub fn owner(&self) -> Arc<Context> {
        Arc::clone(&self.0)
    }
    pub fn ring(&self, width: u32, height: u32) -> Result<Ring> {
        let (back, free) = channel();
        let memory = |_| Memory::new(&self.0, width as usize, height as usize);
        let pictures = Arc::new(Pictures((0..PICTURES).map(memory).collect::<Result<_>>()?));
        (0..PICTURES).try_for_each(|index| back.send(index)).map_err(|_| Error::other("the ring is gone"))?;
        Ok(Ring { size: (width, height), pictures, back, free })
    }
    /// Waits for what was drawn last.
    pub fn finish(&self) -> Result<()> {
        // SAFETY: the context is current.
        self.0.with(|driver| check("cuCtxSynchronize", unsafe { (driver.finish)() }))
    }
}

/// Pictures of one size.
pub struct Ring {
    size: (u32, u32),
    pictures: Arc<Pictures>,
    back: Sender<usize>,
    free: Receiver<usize>,
}

impl Ring {
    /// Draws the next picture, waiting for one that the encoder has let go of.
    pub fn draw(&mut self, number: u32, pts: i64) -> Result<Rendered> {
        let index = self.free.recv().map_err(|_| Error::other("the ring is gone"))?;
        let memory = &self.pictures.0[index];
        let (width, height) = (self.size.0 as usize, self.size.1 as usize);
        let (luma, pitch) = (memory.luma, memory.pitch);
        let chroma = luma + (pitch * height) as u64;
        let bar = number as usize * 8 % (width - 32);
        memory.context.with(|driver| {
            // SAFETY: every rectangle lies in the picture, whose rows are `pitch` apart; the context is current. The last call returns
            // when the memory is written, so the encoder finds it complete.
            unsafe {
                check("cuMemsetD2D8", (driver.fill)(luma, pitch, (number % 200) as u8 + 16, width, height))?;
                check("cuMemsetD2D8", (driver.fill)(luma + bar as u64, pitch, 235, 32, height))?;
                check("cuMemsetD2D8", (driver.fill)(chroma, pitch, 128, width, height / 2))?;
                check("cuCtxSynchronize", (driver.finish)())
            }
        })?;
        let planes = [(luma, pitch), (chroma, pitch)];
        let (pictures, ring) = (Arc::clone(&self.pictures), self.back.clone());
        Ok(Rendered { pictures, index, planes, size: self.size, pts, ring })
    }
}
