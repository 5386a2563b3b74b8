//! What an encoder's options are to the rest of the crate.

use crate::{Any, Concrete, Memory, types::setting::Setting};

/// A codec's options: its own, typed ([`nvenc`](crate::nvenc), [`x264`](crate::x264)), or by name ([`Named`]).
pub trait Options: Send + 'static {
    /// FFmpeg's name of the encoder.
    fn name(&self) -> &str;
    /// The options that were set, by FFmpeg's names. What is not named has FFmpeg's default.
    fn settings(&self) -> Vec<Setting> {
        Vec::new()
    }
    /// Whether the codec, with these options, reads its bit rate again with each frame. `constant` says that the encoder was
    /// configured for a constant rate: a bit rate, a highest bit rate no higher, and a buffer size.
    fn rereads_bit_rate(&self, constant: bool) -> bool {
        let _ = constant;
        false
    }
}

/// `Self` can encode frames in memory `M`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot encode frames in `{M}` memory",
    label = "this codec does not take the pool's frames",
    note = "use a codec of that backend, or move the frames: `download`, `upload`"
)]
pub trait Encodes<M: Memory>: Options {}
impl<O: Options> Encodes<Any> for O {}

/// A codec that avsluice has no types for, by name. Its options are checked at `open`: an unknown name is refused, with the
/// nearest one.
#[derive(Clone, Debug)]
pub struct Named {
    name: String,
    settings: Vec<Setting>,
}

impl Named {
    /// FFmpeg's encoder of that name.
    pub fn new(name: &str) -> Self {
        Named { name: name.into(), settings: Vec::new() }
    }
    /// Sets an option.
    pub fn set(mut self, key: &str, value: impl ToString) -> Self {
        self.settings.push(Setting::new(key, value));
        self
    }
}

impl Options for Named {
    fn name(&self) -> &str {
        &self.name
    }
    fn settings(&self) -> Vec<Setting> {
        self.settings.clone()
    }
}
impl<M: Concrete> Encodes<M> for Named {}
