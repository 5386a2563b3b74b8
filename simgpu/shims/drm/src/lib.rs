//! Three functions of libdrm's, for `LD_PRELOAD`: with them libva takes any file that can be opened, such as `/dev/null`, for the
//! render node of a GPU. Nothing else of DRM is used on the way to a driver that needs no kernel.
#![cfg(target_os = "linux")]

use std::ffi::{c_char, c_int};
use std::ptr;

/// `DRM_NODE_RENDER`
const RENDER: c_int = 2;

/// `drmVersion`
#[repr(C)]
pub struct Version {
    major: c_int,
    minor: c_int,
    patch: c_int,
    name_length: c_int,
    name: *mut c_char,
    date_length: c_int,
    date: *mut c_char,
    description_length: c_int,
    description: *mut c_char,
}

const NAME: &std::ffi::CStr = c"simgpu";

/// Whatever it is, it is a render node.
#[unsafe(no_mangle)]
pub extern "C" fn drmGetNodeTypeFromFd(_fd: c_int) -> c_int {
    RENDER
}

/// The kernel driver's name: ours.
#[unsafe(no_mangle)]
pub extern "C" fn drmGetVersion(_fd: c_int) -> *mut Version {
    let length = NAME.count_bytes() as c_int;
    // SAFETY: the strings are terminated; malloc gives memory that is aligned for any struct, or null.
    unsafe {
        let name = || libc::strdup(NAME.as_ptr());
        let version = libc::malloc(size_of::<Version>()).cast::<Version>();
        if version.is_null() {
            return ptr::null_mut();
        }
        version.write(Version {
            major: 1,
            minor: 0,
            patch: 0,
            name_length: length,
            name: name(),
            date_length: length,
            date: name(),
            description_length: length,
            description: name(),
        });
        version
    }
}

/// Frees what [`drmGetVersion`] gave.
///
/// # Safety
/// It is null, or came from [`drmGetVersion`] and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drmFreeVersion(version: *mut Version) {
    // SAFETY: by the caller's word; free takes null too.
    unsafe {
        if let Some(own) = version.as_ref() {
            for text in [own.name, own.date, own.description] {
                libc::free(text.cast());
            }
        }
        libc::free(version.cast());
    }
}
