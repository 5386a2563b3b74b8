//! Result codes of the driver functions, CUDA's and NVENC's, as far as the simulation gives them.
//!
//! A driver function's body returns [`Outcome`], so `?` works; the `api!` macro turns it into the C result.

/// A `CUresult` or an `NVENCSTATUS`, as it crosses the C interface.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status(pub u32);

/// What the body of a driver function returns.
pub type Outcome<T = ()> = Result<T, Status>;

/// `CUDA_SUCCESS` and `NV_ENC_SUCCESS`.
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

impl Status {
    /// Whether this counts as a failed call. Not so for "nothing to give yet", which is how a healthy encoder answers.
    pub fn is_failure(self) -> bool {
        !matches!(self, SUCCESS | nv::NEED_MORE_INPUT | cu::NOT_READY)
    }

    /// What a function that panicked answers, by the library it belongs to.
    pub fn internal_error(function: &str) -> Status {
        if function.starts_with("cu") { cu::UNKNOWN } else { nv::GENERIC }
    }
}
