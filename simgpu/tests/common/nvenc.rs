//! libnvidia-encode, called as a program does that FFmpeg is not: structs are byte buffers, fields are written at the offsets that
//! the headers have, so the driver's own idea of them is tested too.

use super::cuda::{Context, Cuda};
use libloading::os::unix::Library;
use std::ffi::c_void;

pub const NEED_MORE_INPUT: u32 = 17;
pub const END_OF_STREAM: u32 = 8;

pub const WIDTH: usize = 160;
pub const HEIGHT: usize = 64;
const PITCH: usize = 512;
const MARK: u32 = 7 << 28;
const INTERFACE: u32 = 11 | 1 << 24;
const NV12: u32 = 1;

const H264: [u32; 4] = [0x6bc8_2762, 0x4ca4_4e63, 0x501e_85aa, 0xbff6_21f3];
const PRESET_P1: [u32; 4] = [0xfc0a_8d3e, 0x4cf8_45f8, 0x8829_c780, 0xbf0e_5971];

/// A struct of the interface, larger than any of them, with its version word set.
pub struct Parameters(Vec<u64>);

impl Parameters {
    pub fn new() -> Parameters {
        Parameters(vec![0; 1024]).with(0, MARK | INTERFACE)
    }

    pub fn with(mut self, offset: usize, value: u32) -> Parameters {
        let (word, shift) = (offset / 8, offset % 8 * 8);
        self.0[word] = self.0[word] & !(0xffff_ffff << shift) | u64::from(value) << shift;
        self
    }

    pub fn with_handle(mut self, offset: usize, value: usize) -> Parameters {
        self.0[offset / 8] = value as u64;
        self
    }

    fn with_guid(self, offset: usize, guid: [u32; 4]) -> Parameters {
        guid.iter().enumerate().fold(self, |all, (at, part)| all.with(offset + 4 * at, *part))
    }

    pub fn handle(&self, offset: usize) -> usize {
        self.0[offset / 8] as usize
    }

    pub fn number(&self, offset: usize) -> u32 {
        (self.0[offset / 8] >> (offset % 8 * 8)) as u32
    }

    fn pointer(&mut self) -> *mut c_void {
        self.0.as_mut_ptr().cast()
    }
}

/// The function table; functions by their place in it.
pub struct Nvenc([usize; 41]);

pub fn open() -> Nvenc {
    let mut list = Parameters::new();
    // SAFETY: the simulated driver is loaded under this name already; the function's type is its documentation's, and the buffer
    // is larger than the list.
    let status = unsafe {
        let library = Library::new("libnvidia-encode.so.1").expect("the simulated library");
        let create = library.get::<unsafe extern "C" fn(*mut c_void) -> u32>(b"NvEncodeAPICreateInstance\0");
        create.expect("exported")(list.pointer())
    };
    assert_eq!(status, 0);
    Nvenc(std::array::from_fn(|at| list.handle(8 + 8 * at)))
}

impl Nvenc {
    fn call(&self, function: usize, session: usize, parameters: &mut Parameters) -> u32 {
        // SAFETY: the functions called so take a session and a struct, and the buffer is larger than all structs.
        unsafe {
            let function: unsafe extern "C" fn(usize, *mut c_void) -> u32 = std::mem::transmute(self.0[function]);
            function(session, parameters.pointer())
        }
    }

    fn call_with_handle(&self, function: usize, session: usize, handle: usize) -> u32 {
        // SAFETY: the functions called so take a session and a handle, both checked by the simulated driver.
        unsafe {
            let function: unsafe extern "C" fn(usize, usize) -> u32 = std::mem::transmute(self.0[function]);
            function(session, handle)
        }
    }

    /// nvEncOpenEncodeSessionEx
    pub fn open_session(&self, context: usize) -> (u32, usize) {
        let mut session = 0;
        let mut parameters = Parameters::new().with(4, 1).with_handle(8, context).with(24, INTERFACE);
        // SAFETY: the type is the documentation's; the buffer is larger than the struct.
        let status = unsafe {
            let open: unsafe extern "C" fn(*mut c_void, *mut usize) -> u32 = std::mem::transmute(self.0[29]);
            open(parameters.pointer(), &mut session)
        };
        (status, session)
    }

    /// nvEncInitializeEncoder, with `interval` - 1 B pictures between anchors.
    pub fn initialize(&self, session: usize, interval: u32) -> u32 {
        let mut preset = Parameters::new();
        // SAFETY: the type is the documentation's (two GUIDs by value are passed as the four registers that they fill), and the
        // buffer is larger than the struct.
        let status = unsafe {
            let configure: unsafe extern "C" fn(usize, Guid, Guid, u32, *mut c_void) -> u32 =
                std::mem::transmute(self.0[39]);
            configure(session, Guid(H264), Guid(PRESET_P1), 1, preset.pointer())
        };
        assert_eq!(status, 0);
        // The configuration is at 8 in the preset; it becomes a struct of its own.
        let mut config = Parameters(preset.0[1..].to_vec()).with(24, interval);
        let mut parameters = Parameters::new()
            .with_guid(4, H264)
            .with_guid(20, PRESET_P1)
            .with(36, WIDTH as u32)
            .with(40, HEIGHT as u32)
            .with(44, WIDTH as u32)
            .with(48, HEIGHT as u32)
            .with(52, 25)
            .with(56, 1)
            .with(64, 1)
            .with_handle(88, config.pointer() as usize);
        self.call(11, session, &mut parameters)
    }

    pub fn create_output(&self, session: usize) -> usize {
        let mut parameters = Parameters::new();
        assert_eq!(self.call(14, session, &mut parameters), 0);
        parameters.handle(16)
    }

    pub fn destroy_output(&self, session: usize, output: usize) -> u32 {
        self.call_with_handle(15, session, output)
    }

    /// nvEncRegisterResource
    pub fn register(&self, session: usize, pointer: u64) -> (u32, usize) {
        let mut parameters = Parameters::new()
            .with(4, 1)
            .with(8, WIDTH as u32)
            .with(12, HEIGHT as u32)
            .with(16, PITCH as u32)
            .with_handle(24, pointer as usize)
            .with(40, NV12);
        let status = self.call(30, session, &mut parameters);
        (status, parameters.handle(32))
    }

    pub fn unregister(&self, session: usize, registered: usize) -> u32 {
        self.call_with_handle(31, session, registered)
    }

    /// nvEncMapInputResource
    pub fn map(&self, session: usize, registered: usize) -> usize {
        let mut parameters = Parameters::new().with_handle(16, registered);
        assert_eq!(self.call(25, session, &mut parameters), 0);
        assert_eq!(parameters.number(32), NV12);
        parameters.handle(24)
    }

    pub fn unmap(&self, session: usize, mapped: usize) -> u32 {
        self.call_with_handle(26, session, mapped)
    }

    /// nvEncEncodePicture
    pub fn encode(&self, session: usize, input: usize, output: usize, flags: u32) -> u32 {
        let mut parameters = Parameters::new().with(16, flags).with_handle(40, input).with_handle(48, output);
        self.call(16, session, &mut parameters)
    }

    /// nvEncLockBitstream: the status and the packet's size.
    pub fn lock(&self, session: usize, output: usize) -> (u32, u32) {
        let mut parameters = Parameters::new().with_handle(8, output);
        (self.call(17, session, &mut parameters), parameters.number(36))
    }

    pub fn unlock(&self, session: usize, output: usize) -> u32 {
        self.call_with_handle(18, session, output)
    }

    pub fn destroy(&self, session: usize) -> u32 {
        self.call_with_handle(27, session, 0)
    }
}

/// A GUID by value.
#[repr(C)]
#[derive(Clone, Copy)]
struct Guid([u32; 4]);

/// A session with one picture's worth of everything.
pub struct Encoder<'a> {
    pub nvenc: &'a Nvenc,
    pub cuda: &'a Cuda,
    pub session: usize,
    pub memory: u64,
    pub registered: usize,
    pub mapped: usize,
    pub outputs: Vec<usize>,
}

impl<'a> Encoder<'a> {
    pub fn new(nvenc: &'a Nvenc, cuda: &'a Cuda, context: &Context<'_>, interval: u32) -> Encoder<'a> {
        let (status, session) = nvenc.open_session(context.0);
        assert_eq!((status, nvenc.initialize(session, interval)), (0, 0));
        let memory = cuda.allocate(PITCH * HEIGHT * 3 / 2);
        let (status, registered) = nvenc.register(session, memory);
        assert_eq!(status, 0);
        let mapped = nvenc.map(session, registered);
        let outputs = (0..3).map(|_| nvenc.create_output(session)).collect();
        Encoder { nvenc, cuda, session, memory, registered, mapped, outputs }
    }

    pub fn encode(&self, output: usize) -> u32 {
        self.nvenc.encode(self.session, self.mapped, self.outputs[output], 0)
    }

    pub fn end(&self) -> u32 {
        self.nvenc.encode(self.session, 0, 0, END_OF_STREAM)
    }

    /// Takes a packet; its size.
    pub fn take(&self, output: usize) -> u32 {
        let (status, size) = self.nvenc.lock(self.session, self.outputs[output]);
        assert_eq!((status, self.nvenc.unlock(self.session, self.outputs[output])), (0, 0));
        size
    }

    /// Takes everything down in the right order.
    pub fn close(self) {
        let Encoder { nvenc, cuda, session, memory, registered, mapped, outputs } = self;
        assert_eq!((nvenc.unmap(session, mapped), nvenc.unregister(session, registered)), (0, 0));
        for output in outputs {
            assert_eq!(nvenc.destroy_output(session, output), 0);
        }
        assert_eq!((nvenc.destroy(session), cuda.free(memory)), (0, 0));
    }
}
