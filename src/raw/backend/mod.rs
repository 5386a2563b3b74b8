//! What one backend has and another has not: one file each.

pub(crate) mod cuda;
#[cfg(target_os = "linux")]
pub(crate) mod drm;
pub(crate) mod vaapi;
