//! VA-API devices, and where to find them.

use crate::{
    Device, Error, ErrorKind, Result, Vaapi,
    raw::{backend, c_string},
};
use std::{
    ffi::c_void,
    fs,
    path::{Path, PathBuf},
};

/// A VADisplay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Display(pub *mut c_void);

/// Where Linux has its GPUs.
const FOLDER: &str = "/dev/dri";

/// The render nodes of this machine's GPUs, `/dev/dri/renderD*`, in order. Whether one has a VA-API driver shows when it is opened.
pub fn nodes() -> Vec<PathBuf> {
    nodes_in(Path::new(FOLDER))
}

fn nodes_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let is_render = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("renderD"));
    let mut nodes: Vec<_> = entries.filter(is_render).collect();
    nodes.sort();
    nodes
}

impl Device<Vaapi> {
    /// The GPU with this DRM node, such as `/dev/dri/renderD128` ([`nodes`] lists them; av_hwdevice_ctx_create).
    ///
    /// # Errors
    /// `NoDevice` if the node cannot be opened, `DriverMissing` if libva finds no driver for it.
    pub fn vaapi(node: impl AsRef<Path>) -> Result<Self> {
        let name = c_string("node", &node.as_ref().to_string_lossy())?;
        backend::vaapi::device(c"drm", &name).map(Self::from_buffer)
    }
    /// The first of this machine's GPUs that has a VA-API driver.
    ///
    /// # Errors
    /// `NoDevice`, with the reason for each node.
    pub fn vaapi_any() -> Result<Self> {
        let mut reasons = Vec::new();
        for node in nodes() {
            match Self::vaapi(&node) {
                Ok(device) => return Ok(device),
                Err(error) => reasons.push(format!("{}: {error}", node.display())),
            }
        }
        let detail = match reasons.as_slice() {
            [] => format!("{FOLDER} has no renderD*: no GPU, or its kernel driver is not loaded"),
            _ => reasons.join("; "),
        };
        Err(Error::new(ErrorKind::NoDevice, "vaapi_any").detail(detail))
    }
    /// The GPU of an X11 display such as `:0`; `None` is the one that `DISPLAY` names.
    ///
    /// # Errors
    /// As [`vaapi`](Device::vaapi).
    pub fn vaapi_x11(display: Option<&str>) -> Result<Self> {
        let name = c_string("display", display.unwrap_or_default())?;
        backend::vaapi::device(c"x11", &name).map(Self::from_buffer)
    }
    /// The VADisplay, for an application's own work with libva.
    pub fn display(&self) -> Display {
        Display(backend::vaapi::display(self.buffer()).unwrap_or(std::ptr::null_mut()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn render_nodes_are_found_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["renderD129", "card0", "renderD128", "by-path"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let names: Vec<_> = nodes_in(folder.path()).iter().map(|node| node.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["renderD128", "renderD129"]);
        assert!(nodes_in(&folder.path().join("none")).is_empty());
    }
}
