//! Options of libx264, FFmpeg's software encoder of H.264.
//!
//! What is not set has libx264's default; only `forced-idr` is on. Bit rates, the GOP, B-frames and colour are the
//! [`Encoder`](crate::Encoder)'s. With neither a bit rate nor [`crf`](H264::crf) nor [`qp`](H264::qp), libx264 keeps to
//! a CRF of 23.
//!
//! libx264 follows [`set_bit_rate`](crate::Encoder::set_bit_rate) only where it was opened for a constant rate: with a
//! [`buffer_size`](crate::Encoder::buffer_size), and a [`max_bit_rate`](crate::Encoder::max_bit_rate) no higher than the
//! bit rate.
//!
//! ```
//! use avsluice::{Encoder, Format, FramePool, PixelFormat, System, TimeBase, x264};
//!
//! let pool = FramePool::new(System, Format { width: 320, height: 240, pixels: PixelFormat::Yuv420p })?;
//! let options = x264::H264::new().preset(x264::Preset::Veryfast).tune(x264::Tune::Zerolatency).crf(21.5);
//! let encoder = Encoder::new(&pool, TimeBase::hz(30), options).gop_size(60).open()?;
//! # Ok::<(), avsluice::Error>(())
//! ```

pub use super::h264::H264Level as Level;

use crate::{
    System,
    encode::{Encodes, Options},
    options::settings::{Settings, words},
    types::setting::Setting,
};

words! {
    /// FFmpeg's `preset`: how much work goes into each picture.
    Preset {
        /// Fastest.
        Ultrafast = "ultrafast",
        /// Second fastest.
        Superfast = "superfast",
        /// Third fastest.
        Veryfast = "veryfast",
        /// Between veryfast and fast.
        Faster = "faster",
        /// Somewhat faster than the default.
        Fast = "fast",
        /// The default.
        Medium = "medium",
        /// Somewhat slower than the default.
        Slow = "slow",
        /// Third slowest.
        Slower = "slower",
        /// The slowest of practical use.
        Veryslow = "veryslow",
        /// Slowest, for next to nothing.
        Placebo = "placebo",
    }
}

words! {
    /// FFmpeg's `tune`: what the preset is aimed at. libx264 takes several, joined by commas:
    /// `set("tune", "film,fastdecode")`.
    Tune {
        /// Films.
        Film = "film",
        /// Cartoons: flat areas.
        Animation = "animation",
        /// Old, grainy films.
        Grain = "grain",
        /// Slide shows.
        Stillimage = "stillimage",
        /// For measuring PSNR.
        Psnr = "psnr",
        /// For measuring SSIM.
        Ssim = "ssim",
        /// For slow decoders.
        Fastdecode = "fastdecode",
        /// No B-frames, no look-ahead: each packet is out when its frame was sent.
        Zerolatency = "zerolatency",
    }
}

words! {
    /// FFmpeg's `profile` of libx264: what it may use at most. The default is what the pictures need.
    Profile {
        /// Baseline: no B-frames, no CABAC.
        Baseline = "baseline",
        /// Main.
        Main = "main",
        /// High.
        High = "high",
        /// High 10: up to 10 bits.
        High10 = "high10",
        /// High 4:2:2: up to 10 bits.
        High422 = "high422",
        /// High 4:4:4 Predictive.
        High444 = "high444",
    }
}

/// `libx264`: encodes frames in host memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct H264 {
    settings: Settings,
}

impl H264 {
    /// libx264's defaults, but for [`forced_idr`](Self::forced_idr).
    pub fn new() -> Self {
        H264 { settings: Settings::with_forced_idr() }
    }
    /// How much work goes into each picture (`preset`; default medium).
    pub fn preset(self, preset: Preset) -> Self {
        self.set("preset", preset)
    }
    /// What the preset is aimed at (`tune`; default none).
    pub fn tune(self, tune: Tune) -> Self {
        self.set("tune", tune)
    }
    /// The quality to keep to, whatever it takes; lower is better (`crf`; 0 to 51 for 8 bits). A bit rate is not used
    /// then.
    pub fn crf(self, crf: f32) -> Self {
        self.set("crf", crf)
    }
    /// The quantiser of P pictures, constant (`qp`; 0 to 51 for 8 bits, 0 is without loss). A bit rate is not used
    /// then, and [`crf`](Self::crf) goes first.
    pub fn qp(self, qp: u8) -> Self {
        self.set("qp", qp)
    }
    /// What the stream may use at most (`profile`).
    pub fn profile(self, profile: Profile) -> Self {
        self.set("profile", profile)
    }
    /// The stream's level (`level`; default: the lowest that fits). libx264 writes one that is too low, too.
    pub fn level(self, level: Level) -> Self {
        self.set("level", level)
    }
    /// Whether [`force_keyframe`](crate::Encoder::force_keyframe) makes an IDR picture (`forced-idr`; default on here,
    /// off in FFmpeg). Off, it makes what libx264 has for keyframes, which with an open GOP is no IDR.
    pub fn forced_idr(self, on: bool) -> Self {
        self.set("forced-idr", u8::from(on))
    }
    /// Any other option of the encoder's, or of FFmpeg's generic ones, by FFmpeg's name. It is looked up at `open`: an
    /// unknown name is refused, with the nearest one. What is inside `x264-params` only libx264 knows, and FFmpeg only
    /// logs what that refuses.
    pub fn set(mut self, name: &str, value: impl ToString) -> Self {
        self.settings.set(name, value);
        self
    }
}

impl Default for H264 {
    fn default() -> Self {
        Self::new()
    }
}

impl Options for H264 {
    fn name(&self) -> &str {
        "libx264"
    }
    fn settings(&self) -> Vec<Setting> {
        self.settings.to_vec()
    }
    /// Unless it encodes at a constant quality.
    fn rereads_bit_rate(&self, constant: bool) -> bool {
        constant && !["crf", "qp"].iter().any(|name| self.settings.number(name, |value| value >= 0.0))
    }
}
impl Encodes<System> for H264 {}
static_assertions::assert_impl_all!(H264: Send, Sync, Clone, Default);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h51_only_modes_with_a_bit_rate_reread_it() {
        assert!(H264::new().rereads_bit_rate(true));
        assert!(!H264::new().rereads_bit_rate(false), "libx264 reads it again with a constant rate only");
        assert!(H264::new().qp(20).set("qp", -1).rereads_bit_rate(true));
        assert!(!H264::new().crf(0.0).rereads_bit_rate(true));
        assert!(!H264::new().qp(20).rereads_bit_rate(true));
    }
}
