//! libnvcuvid, as a program finds it: by its name, with structures laid out by hand from NVIDIA's documentation.
#![allow(dead_code)] // each test file uses a part

use libloading::os::unix::Library;
use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_uint, c_void};

pub const INVALID_VALUE: u32 = 1;
pub const INVALID_CONTEXT: u32 = 201;
pub const MAP_FAILED: u32 = 205;
pub const INVALID_HANDLE: u32 = 400;
pub const CONTEXT_IS_DESTROYED: u32 = 709;
pub const NOT_SUPPORTED: u32 = 801;
pub const H264: u32 = 4;
pub const HEVC: u32 = 8;

pub struct Cuvid(Library);

macro_rules! functions {
    ($( fn $method:ident = $symbol:literal ( $($arg:ident : $ty:ty),* ); )*) => {
        impl Cuvid { $(
            pub fn $method(&self, $($arg: $ty),*) -> u32 {
                // SAFETY: the type is the one that NVIDIA's documentation gives the function, the structures are as large as
                // its, and the simulated driver checks handles.
                unsafe {
                    let function = self.0.get::<unsafe extern "C" fn($($ty),*) -> u32>(concat!($symbol, "\0").as_bytes());
                    function.expect($symbol)($($arg),*)
                }
            }
        )* }
    };
}

functions! {
    fn caps = "cuvidGetDecoderCaps"(caps: *mut Fields<88>);
    fn create = "cuvidCreateDecoder"(decoder: *mut usize, info: *const Fields<176>);
    fn destroy = "cuvidDestroyDecoder"(decoder: usize);
    fn decode = "cuvidDecodePicture"(decoder: usize, params: *mut c_void);
    fn status = "cuvidGetDecodeStatus"(decoder: usize, index: c_int, status: *mut Fields<192>);
    fn reconfigure = "cuvidReconfigureDecoder"(decoder: usize, info: *const Fields<128>);
    fn map = "cuvidMapVideoFrame64"(decoder: usize, index: c_int, pointer: *mut u64, pitch: *mut c_uint, how: *const Fields<264>);
    fn unmap = "cuvidUnmapVideoFrame64"(decoder: usize, pointer: u64);
    fn lock_create = "cuvidCtxLockCreate"(lock: *mut usize, context: usize);
    fn lock_destroy = "cuvidCtxLockDestroy"(lock: usize);
    fn lock = "cuvidCtxLock"(lock: usize, flags: c_uint);
    fn unlock = "cuvidCtxUnlock"(lock: usize, flags: c_uint);
    fn parser_create = "cuvidCreateVideoParser"(parser: *mut usize, params: *const Fields<144>);
    fn parse = "cuvidParseVideoData"(parser: usize, packet: *const Fields<32>);
    fn parser_destroy = "cuvidDestroyVideoParser"(parser: usize);
    fn source_create = "cuvidCreateVideoSource"(source: *mut usize, path: *const i8, params: *mut c_void);
    fn source_state = "cuvidGetVideoSourceState"(source: usize);
}

/// Opens libnvcuvid. The simulated driver must be started.
pub fn open() -> Cuvid {
    // SAFETY: the simulated driver is loaded under this name already, so nothing is initialised here.
    Cuvid(unsafe { Library::new("libnvcuvid.so.1") }.expect("libnvcuvid.so.1 is the simulated one"))
}

/// A C structure of `N` bytes, its fields by offset.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub struct Fields<const N: usize>(pub [u8; N]);

impl<const N: usize> Fields<N> {
    pub fn new() -> Self {
        Fields([0; N])
    }

    pub fn with<T: Number>(mut self, offset: usize, value: T) -> Self {
        let bytes = value.bytes();
        self.0[offset..offset + bytes.len()].copy_from_slice(&bytes);
        self
    }

    pub fn u32(&self, offset: usize) -> u32 {
        u32::from_le_bytes(self.0[offset..offset + 4].try_into().expect("four bytes"))
    }

    pub fn i64(&self, offset: usize) -> i64 {
        i64::from_le_bytes(self.0[offset..offset + 8].try_into().expect("eight bytes"))
    }
}

pub trait Number {
    fn bytes(self) -> Vec<u8>;
}

macro_rules! numbers {
    ($($ty:ty)*) => { $( impl Number for $ty {
        fn bytes(self) -> Vec<u8> {
            self.to_le_bytes().to_vec()
        }
    } )* };
}
numbers! { i16 u32 i32 u64 i64 usize }

/// CUVIDDECODECREATEINFO for H.264 in NV12.
pub fn create_info(width: u64, height: u64, surfaces: u64, outputs: u64) -> Fields<176> {
    Fields::new()
        .with(0, width)
        .with(8, height)
        .with(16, surfaces)
        .with(24, H264)
        .with(28, 1)
        .with(96, width)
        .with(104, height)
        .with(112, outputs)
}

/// CUVIDSOURCEDATAPACKET; a time stamp if there is one.
pub fn packet(payload: &[u8], flags: u64, timestamp: Option<i64>) -> Fields<32> {
    Fields::new()
        .with(0, flags | if timestamp.is_some() { 2 } else { 0 })
        .with(8, payload.len())
        .with(16, payload.as_ptr() as usize)
        .with(24, timestamp.unwrap_or(0))
}

/// What a parser called back with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// CUVIDEOFORMAT
    Sequence(Box<[u8; 64]>),
    /// Picture index; whether it is a second field.
    Decode(c_int, bool),
    /// Picture index and time stamp; `None` at the end of the stream.
    Display(Option<(c_int, i64)>),
}

/// A program that drives a decoder with the parser, as NVIDIA's samples do.
pub struct Player<'c> {
    pub cuvid: &'c Cuvid,
    pub decoder: Cell<usize>,
    pub parser: Cell<usize>,
    /// What the sequence callback answers.
    pub answer: Cell<c_int>,
    /// Run inside each decode callback.
    pub inside: Cell<fn(&Player<'_>)>,
    events: RefCell<Vec<Event>>,
    /// Surfaces and outputs of the decoder it makes; with 0 surfaces it makes none.
    surfaces: u64,
    outputs: u64,
}

impl<'c> Player<'c> {
    /// Boxed: the parser keeps its address.
    pub fn new(cuvid: &'c Cuvid, surfaces: u64, outputs: u64) -> Box<Player<'c>> {
        let player = Box::new(Player {
            cuvid,
            decoder: Cell::new(0),
            parser: Cell::new(0),
            answer: Cell::new(1),
            inside: Cell::new(|_| {}),
            events: RefCell::default(),
            surfaces,
            outputs,
        });
        let params = Fields::new()
            .with(0, H264)
            .with(4, if surfaces == 0 { 12 } else { surfaces as u32 })
            .with(16, 4)
            .with(40, &raw const *player as usize)
            .with(48, on_sequence as *const () as usize)
            .with(56, on_decode as *const () as usize)
            .with(64, on_display as *const () as usize);
        let mut parser = 0;
        assert_eq!(cuvid.parser_create(&mut parser, &params), 0);
        player.parser.set(parser);
        player
    }

    pub fn feed(&self, payload: &[u8], flags: u64, timestamp: Option<i64>) -> u32 {
        self.cuvid.parse(self.parser.get(), &packet(payload, flags, timestamp))
    }

    /// What was called back, so far.
    pub fn events(&self) -> Vec<Event> {
        self.events.borrow().clone()
    }

    /// The indices of pictures displayed so far, with their time stamps.
    pub fn displayed(&self) -> Vec<(c_int, i64)> {
        let events = self.events();
        events.iter().filter_map(|event| if let Event::Display(shown) = event { *shown } else { None }).collect()
    }

    pub fn close(&self) {
        assert_eq!(self.cuvid.parser_destroy(self.parser.get()), 0);
        if self.decoder.get() != 0 {
            assert_eq!(self.cuvid.destroy(self.decoder.get()), 0);
        }
    }
}

unsafe extern "C" fn on_sequence(user: *const c_void, format: *const [u8; 64]) -> c_int {
    // SAFETY: the driver calls it while `feed` runs, with the Player that `new` gave as user data, and a CUVIDEOFORMAT.
    let (player, format) = unsafe { (&*user.cast::<Player<'_>>(), Fields(*format)) };
    player.events.borrow_mut().push(Event::Sequence(Box::new(format.0)));
    if player.surfaces != 0 {
        let (width, height) = (format.u32(16).into(), format.u32(20).into());
        let info = create_info(width, height, player.surfaces, player.outputs);
        let mut decoder = 0;
        assert_eq!(player.cuvid.create(&mut decoder, &info), 0);
        player.decoder.set(decoder);
    }
    player.answer.get()
}

unsafe extern "C" fn on_decode(user: *const c_void, params: *mut c_void) -> c_int {
    // SAFETY: as above; CUVIDPICPARAMS has the picture index at 8 and second_field at 20.
    let (player, index, second) = unsafe {
        let fields = params.cast::<c_int>();
        (&*user.cast::<Player<'_>>(), *fields.add(2), *fields.add(5) != 0)
    };
    player.events.borrow_mut().push(Event::Decode(index, second));
    (player.inside.get())(player);
    let decoder = player.decoder.get();
    c_int::from(decoder == 0 || player.cuvid.decode(decoder, params) == 0)
}

unsafe extern "C" fn on_display(user: *const c_void, shown: *const Fields<24>) -> c_int {
    // SAFETY: as above; a null pointer stands for the end of the stream.
    let (player, shown) = unsafe { (&*user.cast::<Player<'_>>(), shown.as_ref()) };
    let shown = shown.map(|shown| (shown.u32(0) as c_int, shown.i64(16)));
    player.events.borrow_mut().push(Event::Display(shown));
    1
}
