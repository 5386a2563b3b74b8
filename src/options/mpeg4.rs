//! Options of FFmpeg's own encoder of MPEG-4 part 2, which every build of FFmpeg has.
//!
//! What people set of it is the [`Encoder`](crate::Encoder)'s: bit rates, the GOP, B-frames. The rest goes by FFmpeg's
//! names.
//!
//! ```
//! use avsluice::{Encoder, Format, FramePool, PixelFormat, System, TimeBase, mpeg4};
//!
//! let pool = FramePool::new(System, Format { width: 320, height: 240, pixels: PixelFormat::Yuv420p })?;
//! let options = mpeg4::Mpeg4::new().set("qmin", 2).set("qmax", 8).set("mpv_flags", "strict_gop");
//! let encoder = Encoder::new(&pool, TimeBase::hz(30), options).bit_rate(800_000).open()?;
//! # Ok::<(), avsluice::Error>(())
//! ```

use crate::{
    System,
    encode::{Encodes, Options},
    options::settings::Settings,
    types::setting::Setting,
};

/// `mpeg4`: encodes frames in host memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mpeg4 {
    settings: Settings,
}

impl Mpeg4 {
    /// FFmpeg's defaults.
    pub fn new() -> Self {
        Mpeg4 { settings: Settings::none() }
    }
    /// An option of the encoder's, or of FFmpeg's generic ones, by FFmpeg's name. It is looked up at `open`: an unknown
    /// name is refused, with the nearest one. A later value takes the place of an earlier one.
    pub fn set(mut self, name: &str, value: impl ToString) -> Self {
        self.settings.set(name, value);
        self
    }
}

impl Default for Mpeg4 {
    fn default() -> Self {
        Self::new()
    }
}

impl Options for Mpeg4 {
    fn name(&self) -> &str {
        "mpeg4"
    }
    fn settings(&self) -> Vec<Setting> {
        self.settings.to_vec()
    }
}
impl Encodes<System> for Mpeg4 {}
static_assertions::assert_impl_all!(Mpeg4: Send, Sync, Clone, Default);
