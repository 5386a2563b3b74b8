//! Options of FFmpeg's nvenc encoders.
//!
//! What is not set has FFmpeg's default, or the preset's; only `forced-idr` is on. Bit rates, the GOP, B-frames and
//! colour are the [`Encoder`](crate::Encoder)'s, for they are every codec's. Start from one of three:
//!
//! | | for | what it sets |
//! |---|---|---|
//! | `new()` | anything | `forced-idr` |
//! | `low_latency()` | streaming what is seen at once | also `tune` ull, `rc` cbr, `delay` 0, `zerolatency` |
//! | `quality()` | recording, transcoding | also `preset` p6, `tune` hq, `rc` vbr, `multipass` fullres, `spatial-aq`, `rc-lookahead` 20 |
//!
//! ```no_run
//! use avsluice::{Device, Encoder, Format, FramePool, PixelFormat, TimeBase, nvenc};
//!
//! let device = Device::cuda(0)?;
//! let pool = FramePool::new(&device, Format { width: 1920, height: 1080, pixels: PixelFormat::Nv12 })?;
//! let options = nvenc::H264::quality()
//!     .preset(nvenc::Preset::P7)
//!     .profile(nvenc::H264Profile::High)
//!     .level(nvenc::H264Level::L4_1)
//!     .set("aud", 1);
//! let encoder = Encoder::new(&pool, TimeBase::hz(30), options).bit_rate(6_000_000).max_bit_rate(9_000_000).open()?;
//! # Ok::<(), avsluice::Error>(())
//! ```
//!
//! Values are checked by FFmpeg at `open`: one out of range is `InvalidSetting`, a name that it does not know is
//! `OptionUnknown`. What the GPU or its driver does not have (temporal AQ, B-frames as references, ...) is
//! `Unsupported` then. A later setting takes the place of an earlier one.

mod values;

pub use values::{BRefMode, H264Profile, HevcLevel, HevcProfile, HevcTier, Multipass, Preset, RateControl, Tune};

pub use super::h264::H264Level;
use super::settings::Settings;
use crate::{
    Cuda, System,
    encode::{Encodes, Options},
    types::setting::Setting,
};

/// One encoder with the options that both have. What differs is types: its profiles and levels.
macro_rules! encoder {
    ($(#[$about:meta])* $encoder:ident, $name:literal, $profile:ty, $level:ty) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $encoder {
            settings: Settings,
        }

        impl $encoder {
            /// FFmpeg's defaults, but for [`forced_idr`](Self::forced_idr).
            pub fn new() -> Self {
                $encoder { settings: Settings::with_forced_idr() }
            }
            /// For pictures that are to be seen at once: [`Tune::UltraLowLatency`], which has no B-frames;
            /// [`RateControl::Cbr`]; a [`delay`](Self::delay) of 0, so that each packet is out when its frame was sent;
            /// [`zero_latency`](Self::zero_latency). Every GPU with NVENC has these.
            ///
            /// A [`buffer_size`](crate::Encoder::buffer_size) of one picture, `bit_rate / frame_rate`, keeps the
            /// network's delay down too. Leave [`max_b_frames`](crate::Encoder::max_b_frames) alone: it would add them
            /// again.
            pub fn low_latency() -> Self {
                Self::new().tune(Tune::UltraLowLatency).rc(RateControl::Cbr).delay(0).zero_latency(true)
            }
            /// For pictures that are kept: [`Preset::P6`], [`Tune::HighQuality`], [`RateControl::Vbr`], two full
            /// [passes](Self::multipass), [`spatial_aq`](Self::spatial_aq), 20 frames of
            /// [look-ahead](Self::rc_lookahead).
            ///
            /// Every NVENC since Turing has these. [`temporal_aq`](Self::temporal_aq), [`b_ref_mode`](Self::b_ref_mode)
            /// and [`weighted_pred`](Self::weighted_pred) it leaves out: some have not, and opening fails there.
            pub fn quality() -> Self {
                Self::new()
                    .preset(Preset::P6)
                    .tune(Tune::HighQuality)
                    .rc(RateControl::Vbr)
                    .multipass(Multipass::FullResolution)
                    .spatial_aq(true)
                    .rc_lookahead(20)
            }
            /// How much work goes into each picture (`preset`; default p4).
            pub fn preset(self, preset: Preset) -> Self {
                self.set("preset", preset)
            }
            /// What the preset is aimed at (`tune`; default hq).
            pub fn tune(self, tune: Tune) -> Self {
                self.set("tune", tune)
            }
            /// What the rate control keeps to (`rc`; default: constqp if [`qp`](Self::qp) is set, else vbr).
            pub fn rc(self, rc: RateControl) -> Self {
                self.set("rc", rc)
            }
            /// The quantiser of [`RateControl::ConstQp`], which it implies unless `rc` is set (`qp`; 0 to 51).
            pub fn qp(self, qp: u8) -> Self {
                self.set("qp", qp)
            }
            /// The quality that [`RateControl::Vbr`] keeps to, lower is better (`cq`; 0 to 51, 0 for automatic, the
            /// default). FFmpeg forgets the average bit rate and the buffer size then, and keeps to the highest bit
            /// rate alone.
            pub fn cq(self, cq: f32) -> Self {
                self.set("cq", cq)
            }
            /// Whether each picture is looked at twice (`multipass`; default disabled).
            pub fn multipass(self, multipass: Multipass) -> Self {
                self.set("multipass", multipass)
            }
            /// Pictures that can be inside at once (`surfaces`; 0 to 64, 0 for what B-frames and look-ahead need, the
            /// default). FFmpeg raises a number that is too small for those.
            pub fn surfaces(self, surfaces: u32) -> Self {
                self.set("surfaces", surfaces)
            }
            /// How many packets must be due before one comes out, so that the GPU always has work (`delay`; default: one less
            /// than the surfaces). With 0 or 1 each comes out as soon as it is done.
            pub fn delay(self, frames: u32) -> Self {
                self.set("delay", frames)
            }
            /// Asks the driver not to hold frames back to reorder them (`zerolatency`; default off).
            pub fn zero_latency(self, on: bool) -> Self {
                self.set("zerolatency", u8::from(on))
            }
            /// The stream's profile (`profile`).
            pub fn profile(self, profile: $profile) -> Self {
                self.set("profile", profile)
            }
            /// The stream's level (`level`; default: the lowest that fits). One that is too low fails at `open`.
            pub fn level(self, level: $level) -> Self {
                self.set("level", level)
            }
            /// Bits go to where in a picture they are seen (`spatial-aq`; default off).
            pub fn spatial_aq(self, on: bool) -> Self {
                self.set("spatial-aq", u8::from(on))
            }
            /// Bits go to what stays the same from picture to picture (`temporal-aq`; default off). Not every GPU has
            /// it.
            pub fn temporal_aq(self, on: bool) -> Self {
                self.set("temporal-aq", u8::from(on))
            }
            /// How far [`spatial_aq`](Self::spatial_aq) goes, which it does not switch on (`aq-strength`; 1 to 15,
            /// default 8).
            pub fn aq_strength(self, strength: u8) -> Self {
                self.set("aq-strength", strength)
            }
            /// Frames that the rate control sees ahead of the one it encodes (`rc-lookahead`; default 0: what the
            /// preset has). They are inside until then, so a [`delay`](Self::delay) that is too small for them switches
            /// it off, which FFmpeg only logs.
            pub fn rc_lookahead(self, frames: u32) -> Self {
                self.set("rc-lookahead", frames)
            }
            /// Which B-frames others may refer to (`b_ref_mode`; default: disabled in FFmpeg 5 and 6, later the
            /// preset's). Not every GPU has it.
            pub fn b_ref_mode(self, mode: BRefMode) -> Self {
                self.set("b_ref_mode", mode)
            }
            /// Weighted prediction, for fades (`weighted_pred`; default off). It does not go with B-frames, which
            /// [`Tune::HighQuality`] has from preset P3 on.
            pub fn weighted_pred(self, on: bool) -> Self {
                self.set("weighted_pred", u8::from(on))
            }
            /// Whether [`force_keyframe`](crate::Encoder::force_keyframe) makes an IDR picture (`forced-idr`; default
            /// on here, off in FFmpeg). Off, it makes an I picture, at which no decoder can start.
            pub fn forced_idr(self, on: bool) -> Self {
                self.set("forced-idr", u8::from(on))
            }
            /// Any other option of the encoder's, or of FFmpeg's generic ones, by FFmpeg's name. It is looked up at
            /// `open`: an unknown name is refused, with the nearest one.
            pub fn set(mut self, name: &str, value: impl ToString) -> Self {
                self.settings.set(name, value);
                self
            }
        }

        impl Default for $encoder {
            fn default() -> Self {
                Self::new()
            }
        }

        impl Options for $encoder {
            fn name(&self) -> &str {
                $name
            }
            fn settings(&self) -> Vec<Setting> {
                self.settings.to_vec()
            }
            /// Unless it encodes at a constant quality, without loss among them.
            fn rereads_bit_rate(&self, _constant: bool) -> bool {
                keeps_to_a_bit_rate(&self.settings)
            }
        }
        impl Encodes<Cuda> for $encoder {}
        impl Encodes<System> for $encoder {}
        static_assertions::assert_impl_all!($encoder: Send, Sync, Clone, Default);
    };
}

encoder! {
    /// `h264_nvenc`: encodes frames in CUDA or host memory.
    H264, "h264_nvenc", H264Profile, H264Level
}
encoder! {
    /// `hevc_nvenc`: encodes frames in CUDA or host memory.
    Hevc, "hevc_nvenc", HevcProfile, HevcLevel
}

impl Hevc {
    /// Which of the level's two highest bit rates holds (`tier`; default main).
    pub fn tier(self, tier: HevcTier) -> Self {
        self.set("tier", tier)
    }
}

/// FFmpeg takes a new bit rate in every mode but constqp; where the encoder keeps to a quality, nothing comes of it.
fn keeps_to_a_bit_rate(settings: &Settings) -> bool {
    let constant_qp = match settings.value("rc") {
        Some(rc) => rc == "constqp",
        None => settings.number("qp", |qp| qp >= 0.0),
    };
    let lossless = settings.value("tune") == Some("lossless");
    !constant_qp && !lossless && !settings.number("cq", |cq| cq > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h51_only_modes_with_a_bit_rate_reread_it() {
        let reread = [
            H264::new(),
            H264::low_latency(),
            H264::quality(),
            H264::new().rc(RateControl::Vbr).qp(20),
            H264::new().rc(RateControl::ConstQp).rc(RateControl::Cbr),
            H264::new().cq(30.0).cq(0.0),
        ];
        for options in reread {
            assert!(options.rereads_bit_rate(false), "{options:?}");
        }
        let constant = [
            H264::new().rc(RateControl::ConstQp),
            H264::new().qp(20),
            H264::new().cq(30.5),
            H264::new().tune(Tune::Lossless),
            H264::new().rc(RateControl::Cbr).set("rc", "constqp"),
        ];
        for options in constant {
            assert!(!options.rereads_bit_rate(false), "{options:?}");
        }
    }
}
