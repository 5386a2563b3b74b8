//! libva as a program uses it: opened by name, its functions by their prototypes in va.h.
#![allow(dead_code)] // each test file uses a part

use crate::common;
use libloading::os::unix::Library;
use simgpu::{Ledger, Simgpu};
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::fs::File;
use std::os::fd::AsRawFd as _;

pub type Id = c_uint;
pub const NV12: u32 = u32::from_le_bytes(*b"NV12");
pub const YV12: u32 = u32::from_le_bytes(*b"YV12");
pub const I420: u32 = u32::from_le_bytes(*b"I420");
const YUV420: c_uint = 1;

/// `VAImageFormat`
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct ImageFormat {
    pub fourcc: u32,
    pub rest: [u32; 11],
}

/// `VAImage`
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Image {
    pub id: Id,
    pub format: ImageFormat,
    pub buffer: Id,
    pub width: u16,
    pub height: u16,
    pub data_size: u32,
    pub planes: u32,
    pub pitches: [u32; 3],
    pub offsets: [u32; 3],
    pub rest: [u32; 7],
}

/// An initialised display.
pub struct Va {
    library: Library,
    display: *mut c_void,
    _node: File,
}

macro_rules! functions {
    ($($name:ident = $symbol:literal ($($argument:ident: $kind:ty),*);)*) => {
        impl Va {
            $(
                /// The function of libva; its VAStatus.
                #[allow(clippy::too_many_arguments)] // they are va.h's
                pub fn $name(&self, $($argument: $kind),*) -> c_int {
                    // SAFETY: the prototype is va.h's; what the pointers point to outlives the call.
                    unsafe {
                        let function: libloading::os::unix::Symbol<
                            unsafe extern "C" fn(*mut c_void $(, $kind)*) -> c_int,
                        > = self.library.get(concat!($symbol, "\0").as_bytes()).expect($symbol);
                        function(self.display $(, $argument)*)
                    }
                }
            )*
        }
    };
}
functions! {
    terminate = "vaTerminate"();
    create_config = "vaCreateConfig"(profile: c_int, entrypoint: c_int, list: *const c_void, count: c_int, id: &mut Id);
    destroy_config = "vaDestroyConfig"(id: Id);
    create_surfaces = "vaCreateSurfaces"(
        format: c_uint, width: c_uint, height: c_uint, ids: *mut Id, count: c_uint, list: *const c_void, attributes: c_uint
    );
    destroy_surfaces = "vaDestroySurfaces"(ids: *const Id, count: c_int);
    sync_surface = "vaSyncSurface"(id: Id);
    create_context =
        "vaCreateContext"(config: Id, width: c_int, height: c_int, flag: c_int, targets: *const Id, count: c_int, id: &mut Id);
    destroy_context = "vaDestroyContext"(id: Id);
    create_buffer = "vaCreateBuffer"(context: Id, kind: c_uint, size: c_uint, count: c_uint, data: *const c_void, id: &mut Id);
    map_buffer = "vaMapBuffer"(id: Id, place: &mut *mut u8);
    unmap_buffer = "vaUnmapBuffer"(id: Id);
    destroy_buffer = "vaDestroyBuffer"(id: Id);
    create_image = "vaCreateImage"(format: &ImageFormat, width: c_int, height: c_int, image: &mut Image);
    derive_image = "vaDeriveImage"(surface: Id, image: &mut Image);
    destroy_image = "vaDestroyImage"(id: Id);
    get_image = "vaGetImage"(surface: Id, x: c_int, y: c_int, width: c_uint, height: c_uint, image: Id);
    put_image = "vaPutImage"(
        surface: Id, image: Id, from_x: c_int, from_y: c_int, from_width: c_uint, from_height: c_uint,
        x: c_int, y: c_int, width: c_uint, height: c_uint
    );
    begin = "vaBeginPicture"(context: Id, target: Id);
    render = "vaRenderPicture"(context: Id, buffers: *const Id, count: c_int);
    end = "vaEndPicture"(context: Id);
}

impl Va {
    /// A display on the driver that this process was started for.
    pub fn open() -> Va {
        let node = File::open(simgpu::va::NODE).expect("it is everywhere");
        // SAFETY: libva's initialisers do nothing; the prototypes are va.h's and va_drm.h's; the file outlives the display.
        unsafe {
            let drm = Library::new("libva-drm.so.2").expect("FFmpeg is linked to it");
            let library = Library::new("libva.so.2").expect("FFmpeg is linked to it");
            let get: libloading::os::unix::Symbol<unsafe extern "C" fn(c_int) -> *mut c_void> =
                drm.get(b"vaGetDisplayDRM\0").expect("va_drm.h");
            let initialize: libloading::os::unix::Symbol<
                unsafe extern "C" fn(*mut c_void, &mut c_int, &mut c_int) -> c_int,
            > = library.get(b"vaInitialize\0").expect("va.h");
            let display = get(node.as_raw_fd());
            assert_eq!(initialize(display, &mut 0, &mut 0), 0);
            Va { library, display, _node: node }
        }
    }

    pub fn vendor(&self) -> String {
        // SAFETY: the prototype is va.h's; the string lives as long as the display.
        unsafe {
            let vendor: libloading::os::unix::Symbol<unsafe extern "C" fn(*mut c_void) -> *const c_char> =
                self.library.get(b"vaQueryVendorString\0").expect("va.h");
            CStr::from_ptr(vendor(self.display)).to_string_lossy().into_owned()
        }
    }

    pub fn surface(&self, width: c_uint, height: c_uint) -> Id {
        let mut id = 0;
        assert_eq!(self.create_surfaces(YUV420, width, height, &mut id, 1, std::ptr::null(), 0), 0);
        id
    }

    /// An encoder's context, with a surface of its own.
    pub fn context(&self) -> (Id, Id) {
        let (mut config, mut context) = (0, 0);
        let surface = self.surface(160, 96);
        // VAProfileH264Main, VAEntrypointEncSlice
        assert_eq!(self.create_config(6, 6, std::ptr::null(), 0, &mut config), 0);
        assert_eq!(self.create_context(config, 160, 96, 0, &surface, 1, &mut context), 0);
        (context, surface)
    }

    pub fn buffer(&self, context: Id, kind: c_uint) -> Id {
        let mut id = 0;
        assert_eq!(self.create_buffer(context, kind, 64, 1, std::ptr::null(), &mut id), 0);
        id
    }

    pub fn derived(&self, surface: Id) -> Image {
        let mut image = Image::default();
        assert_eq!(self.derive_image(surface, &mut image), 0);
        image
    }

    pub fn image(&self, fourcc: u32, width: c_int, height: c_int) -> Image {
        let mut image = Image::default();
        let format = ImageFormat { fourcc, rest: [0; 11] };
        assert_eq!(self.create_image(&format, width, height, &mut image), 0);
        image
    }
}

/// Runs a test's body in a process that has the simulated VA-API driver, and gives that driver's ledger afterwards to `check`.
pub fn with_driver(test: &str, body: impl FnOnce(Simgpu), check: impl FnOnce(Ledger)) {
    if common::is_child() {
        let driver = simgpu::va::start().expect("the environment is this process's");
        body(driver);
        check(driver.ledger());
        return;
    }
    let environment = simgpu::va::environment().expect("the driver is built beside the test");
    let output = common::run(common::child(test).envs(environment));
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), common::stderr(&output));
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
