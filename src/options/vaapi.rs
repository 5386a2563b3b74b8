//! What the vaapi encoders can be told.

use crate::{
    Vaapi,
    encode::{Encodes, Options},
    options::settings::{Settings, words},
    types::setting::Setting,
};

words! {
    /// FFmpeg's `rc_mode`: what the rate control keeps to. A driver has some of them; one that it has not is `Unsupported`.
    RateControl {
        /// A constant quantiser: the one given by `qp`.
        Cqp = "CQP",
        /// One bit rate.
        Cbr = "CBR",
        /// An average bit rate and a highest one.
        Vbr = "VBR",
        /// A constant quality, as the driver understands it, given by FFmpeg's `global_quality`.
        Icq = "ICQ",
        /// A quality with a highest bit rate.
        Qvbr = "QVBR",
        /// An average bit rate over a long time.
        Avbr = "AVBR",
    }
}

words! {
    /// FFmpeg's `coder`: H.264's entropy coder.
    Coder {
        /// CAVLC.
        Cavlc = "cavlc",
        /// CABAC: the default, where the profile has it.
        Cabac = "cabac",
    }
}

words! {
    /// FFmpeg's `profile` of h264_vaapi. The default is what the driver has.
    H264Profile {
        /// Constrained Baseline: no B-frames.
        ConstrainedBaseline = "constrained_baseline",
        /// Main.
        Main = "main",
        /// High.
        High = "high",
    }
}

words! {
    /// A level of H.264, by FFmpeg's words for this encoder.
    H264Level {
        /// Level 3.
        L3 = "3",
        /// Level 3.1: 720p at 30 Hz.
        L3_1 = "3.1",
        /// Level 4: 1080p at 30 Hz.
        L4 = "4",
        /// Level 4.1.
        L4_1 = "4.1",
        /// Level 4.2: 1080p at 60 Hz.
        L4_2 = "4.2",
        /// Level 5.
        L5 = "5",
        /// Level 5.1: 2160p at 30 Hz.
        L5_1 = "5.1",
        /// Level 5.2: 2160p at 60 Hz.
        L5_2 = "5.2",
    }
}

words! {
    /// FFmpeg's `profile` of hevc_vaapi.
    HevcProfile {
        /// Main.
        Main = "main",
        /// Main 10.
        Main10 = "main10",
        /// Range extensions.
        Rext = "rext",
    }
}

words! {
    /// A level of HEVC.
    HevcLevel {
        /// Level 3.1: 720p at 30 Hz.
        L3_1 = "3.1",
        /// Level 4: 1080p at 30 Hz.
        L4 = "4",
        /// Level 4.1: 1080p at 60 Hz.
        L4_1 = "4.1",
        /// Level 5: 2160p at 30 Hz.
        L5 = "5",
        /// Level 5.1: 2160p at 60 Hz.
        L5_1 = "5.1",
        /// Level 5.2.
        L5_2 = "5.2",
    }
}

words! {
    /// FFmpeg's `tier`: which of an HEVC level's two highest bit rates holds.
    HevcTier {
        /// The lower one: the default.
        Main = "main",
        /// The higher one.
        High = "high",
    }
}

/// One encoder with the options that both have.
macro_rules! encoder {
    ($(#[$about:meta])* $encoder:ident, $name:literal, $profile:ty, $level:ty) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $encoder {
            settings: Settings,
        }

        impl $encoder {
            /// FFmpeg's defaults. A forced keyframe is an IDR picture in these encoders.
            pub fn new() -> Self {
                $encoder { settings: Settings::none() }
            }
            /// What the rate control keeps to (`rc_mode`; default: what the bit rates and `qp` suggest and the driver has).
            pub fn rc_mode(self, mode: RateControl) -> Self {
                self.set("rc_mode", mode)
            }
            /// The quantiser of P pictures with [`RateControl::Cqp`] (`qp`; 1 to 52, default 0: not set).
            pub fn qp(self, qp: u8) -> Self {
                self.set("qp", qp)
            }
            /// The stream's profile (`profile`).
            pub fn profile(self, profile: $profile) -> Self {
                self.set("profile", profile)
            }
            /// The stream's level (`level`; default: the lowest that fits).
            pub fn level(self, level: $level) -> Self {
                self.set("level", level)
            }
            /// The encoder with less power and fewer features that some Intel GPUs have (`low_power`; default off).
            pub fn low_power(self, on: bool) -> Self {
                self.set("low_power", u8::from(on))
            }
            /// I pictures from one IDR picture to the next that are none (`idr_interval`; default 0: every one is).
            pub fn idr_interval(self, pictures: u32) -> Self {
                self.set("idr_interval", pictures)
            }
            /// How deep B pictures refer to B pictures (`b_depth`; default 1: not at all).
            pub fn b_depth(self, depth: u32) -> Self {
                self.set("b_depth", depth)
            }
            /// Pictures that the hardware works on at once (`async_depth`; 1 to 64, default 2). Each adds to the latency.
            pub fn async_depth(self, pictures: u32) -> Self {
                self.set("async_depth", pictures)
            }
            /// The largest picture, in bytes (`max_frame_size`; default 0: no bound).
            pub fn max_frame_size(self, bytes: u32) -> Self {
                self.set("max_frame_size", bytes)
            }
            /// An access unit delimiter before each picture (`aud`; default off).
            pub fn aud(self, on: bool) -> Self {
                self.set("aud", u8::from(on))
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
        }
        impl Encodes<Vaapi> for $encoder {}
        static_assertions::assert_impl_all!($encoder: Send, Sync, Clone, Default);
    };
}

encoder! {
    /// `h264_vaapi`: encodes VA-API surfaces.
    H264, "h264_vaapi", H264Profile, H264Level
}
encoder! {
    /// `hevc_vaapi`: encodes VA-API surfaces.
    Hevc, "hevc_vaapi", HevcProfile, HevcLevel
}

impl H264 {
    /// The entropy coder (`coder`; default cabac).
    pub fn coder(self, coder: Coder) -> Self {
        self.set("coder", coder)
    }
    /// Speed for quality: higher is faster; what the numbers are is the driver's affair (`quality`; default -1: the driver's).
    pub fn quality(self, level: i32) -> Self {
        self.set("quality", level)
    }
}

impl Hevc {
    /// Which of the level's two highest bit rates holds (`tier`; default main).
    pub fn tier(self, tier: HevcTier) -> Self {
        self.set("tier", tier)
    }
}
