//! Result codes of the driver functions, CUDA's, NVENC's and VA-API's, as far as the simulation gives them.
//!
//! A driver function's body returns [`Outcome`], so `?` works; the `api!` macro turns it into the C result.

/// A `CUresult`, an `NVENCSTATUS` or a `VAStatus`, as it crosses the C interface.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status(pub u32);

/// What the body of a driver function returns.
pub type Outcome<T = ()> = Result<T, Status>;

/// `CUDA_SUCCESS`, `NV_ENC_SUCCESS` and `VA_STATUS_SUCCESS`.
pub const SUCCESS: Status = Status(0);

/// `CUresult` values.
pub mod cu {
    use super::Status;

    pub const INVALID_VALUE: Status = Status(1);
    pub const OUT_OF_MEMORY: Status = Status(2);
    pub const NOT_INITIALIZED: Status = Status(3);
    pub const NO_DEVICE: Status = Status(100);
    pub const INVALID_DEVICE: Status = Status(101);
    pub const INVALID_IMAGE: Status = Status(200);
    pub const INVALID_CONTEXT: Status = Status(201);
    pub const MAP_FAILED: Status = Status(205);
    pub const INVALID_HANDLE: Status = Status(400);
    pub const NOT_FOUND: Status = Status(500);
    pub const NOT_READY: Status = Status(600);
    pub const ILLEGAL_ADDRESS: Status = Status(700);
    pub const PRIMARY_CONTEXT_ACTIVE: Status = Status(708);
    pub const CONTEXT_IS_DESTROYED: Status = Status(709);
    pub const LAUNCH_FAILED: Status = Status(719);
    pub const NOT_SUPPORTED: Status = Status(801);
    pub const UNKNOWN: Status = Status(999);
}

/// `NVENCSTATUS` values.
pub mod nv {
    use super::Status;

    pub const UNSUPPORTED_DEVICE: Status = Status(2);
    pub const INVALID_DEVICE: Status = Status(4);
    pub const INVALID_PTR: Status = Status(6);
    pub const INVALID_PARAM: Status = Status(8);
    pub const INVALID_CALL: Status = Status(9);
    pub const OUT_OF_MEMORY: Status = Status(10);
    pub const ENCODER_NOT_INITIALIZED: Status = Status(11);
    pub const UNSUPPORTED_PARAM: Status = Status(12);
    pub const LOCK_BUSY: Status = Status(13);
    pub const NOT_ENOUGH_BUFFER: Status = Status(14);
    pub const INVALID_VERSION: Status = Status(15);
    pub const MAP_FAILED: Status = Status(16);
    pub const NEED_MORE_INPUT: Status = Status(17);
    pub const GENERIC: Status = Status(20);
    pub const INCOMPATIBLE_CLIENT_KEY: Status = Status(21);
    pub const UNIMPLEMENTED: Status = Status(22);
    pub const RESOURCE_REGISTER_FAILED: Status = Status(23);
    pub const RESOURCE_NOT_REGISTERED: Status = Status(24);
    pub const RESOURCE_NOT_MAPPED: Status = Status(25);
}

/// `VAStatus` values.
pub mod va {
    use super::Status;

    pub const OPERATION_FAILED: Status = Status(0x01);
    pub const ALLOCATION_FAILED: Status = Status(0x02);
    pub const INVALID_DISPLAY: Status = Status(0x03);
    pub const INVALID_CONFIG: Status = Status(0x04);
    pub const INVALID_CONTEXT: Status = Status(0x05);
    pub const INVALID_SURFACE: Status = Status(0x06);
    pub const INVALID_BUFFER: Status = Status(0x07);
    pub const INVALID_IMAGE: Status = Status(0x08);
    pub const ATTR_NOT_SUPPORTED: Status = Status(0x0a);
    pub const MAX_NUM_EXCEEDED: Status = Status(0x0b);
    pub const UNSUPPORTED_PROFILE: Status = Status(0x0c);
    pub const UNSUPPORTED_ENTRYPOINT: Status = Status(0x0d);
    pub const UNSUPPORTED_RT_FORMAT: Status = Status(0x0e);
    pub const UNSUPPORTED_BUFFERTYPE: Status = Status(0x0f);
    pub const INVALID_PARAMETER: Status = Status(0x12);
    pub const RESOLUTION_NOT_SUPPORTED: Status = Status(0x13);
    pub const UNIMPLEMENTED: Status = Status(0x14);
    pub const INVALID_IMAGE_FORMAT: Status = Status(0x16);
    pub const UNSUPPORTED_MEMORY_TYPE: Status = Status(0x24);
    pub const NOT_ENOUGH_BUFFER: Status = Status(0x25);
    pub const UNKNOWN: Status = Status(u32::MAX);
}

impl Status {
    /// Whether this counts as a failed call of `function`. Not so for "nothing to give yet", which is how a healthy encoder or
    /// stream answers.
    pub fn is_failure(self, function: &str) -> bool {
        let patience = match Library::of(function) {
            Library::Nvenc => nv::NEED_MORE_INPUT,
            Library::Cuda => cu::NOT_READY,
            Library::Va => SUCCESS,
        };
        self != SUCCESS && self != patience
    }

    /// What a function that panicked answers, by the library it belongs to.
    pub fn internal_error(function: &str) -> Status {
        match Library::of(function) {
            Library::Cuda => cu::UNKNOWN,
            Library::Nvenc => nv::GENERIC,
            Library::Va => va::UNKNOWN,
        }
    }
}

/// Whose status a function returns. libnvcuvid's are CUDA's.
enum Library {
    Cuda,
    Nvenc,
    Va,
}

impl Library {
    fn of(function: &str) -> Library {
        match function {
            _ if function.starts_with("cu") => Library::Cuda,
            _ if function.trim_start_matches('_').starts_with("va") => Library::Va,
            _ => Library::Nvenc,
        }
    }
}
