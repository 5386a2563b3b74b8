//! What the options of the nvenc encoders can be.

use crate::options::settings::words;

words! {
    /// FFmpeg's `preset`: how much work goes into each picture. FFmpeg's older names (`slow`, `llhq`, ...) are not
    /// here: some releases refuse them.
    Preset {
        /// Fastest, lowest quality.
        P1 = "p1",
        /// Faster, lower quality.
        P2 = "p2",
        /// Fast, low quality.
        P3 = "p3",
        /// Medium: the default.
        P4 = "p4",
        /// Slow, good quality.
        P5 = "p5",
        /// Slower, better quality. May look ahead unasked.
        P6 = "p6",
        /// Slowest, best quality. May look ahead unasked.
        P7 = "p7",
    }
}

words! {
    /// FFmpeg's `tune`: what the preset is aimed at.
    Tune {
        /// Quality at the cost of latency: the default. With B-frames, from preset P3 on.
        HighQuality = "hq",
        /// Low latency: no B-frames.
        LowLatency = "ll",
        /// The lowest latency, for streaming with a strict bound on each picture's size: no B-frames.
        UltraLowLatency = "ull",
        /// Without loss: there is no rate control.
        Lossless = "lossless",
    }
}

words! {
    /// FFmpeg's `rc`: what the rate control keeps to.
    RateControl {
        /// A constant quantiser: the one given by `qp`. Bit rates are not used.
        ConstQp = "constqp",
        /// An average [`bit_rate`](crate::Encoder::bit_rate) and a highest one; or a quality, given by `cq`.
        Vbr = "vbr",
        /// One [`bit_rate`](crate::Encoder::bit_rate), kept to within [`buffer_size`](crate::Encoder::buffer_size).
        Cbr = "cbr",
    }
}

words! {
    /// FFmpeg's `multipass`: whether each picture is looked at before it is encoded.
    Multipass {
        /// One pass: the default.
        Disabled = "disabled",
        /// Two passes, the first at a quarter of the resolution.
        QuarterResolution = "qres",
        /// Two passes, both at full resolution.
        FullResolution = "fullres",
    }
}

words! {
    /// FFmpeg's `b_ref_mode`: which B-frames other pictures may refer to.
    BRefMode {
        /// None.
        Disabled = "disabled",
        /// Each of them.
        Each = "each",
        /// The one in the middle of each group.
        Middle = "middle",
    }
}

words! {
    /// FFmpeg's `profile` of `h264_nvenc`.
    H264Profile {
        /// Baseline: no B-frames, no CABAC.
        Baseline = "baseline",
        /// Main: FFmpeg's default before 9.0.
        Main = "main",
        /// High: FFmpeg's default from 9.0 on.
        High = "high",
        /// High 4:4:4 Predictive: for 4:4:4 pictures, which take it unasked, and without loss.
        High444p = "high444p",
    }
}

words! {
    /// FFmpeg's `profile` of `hevc_nvenc`.
    HevcProfile {
        /// Main: 8 bits, 4:2:0. The default.
        Main = "main",
        /// Main 10: 10 bits, 4:2:0. Pictures of 10 bits take it unasked.
        Main10 = "main10",
        /// Range extensions: 4:4:4, which takes it unasked.
        Rext = "rext",
    }
}

words! {
    /// A level of HEVC: a bound on size and rate that a decoder is built for.
    HevcLevel {
        /// Level 1.
        L1 = "1.0",
        /// Level 2.
        L2 = "2.0",
        /// Level 2.1.
        L2_1 = "2.1",
        /// Level 3.
        L3 = "3.0",
        /// Level 3.1: 720p at 30 Hz.
        L3_1 = "3.1",
        /// Level 4: 1080p at 30 Hz.
        L4 = "4.0",
        /// Level 4.1: 1080p at 60 Hz.
        L4_1 = "4.1",
        /// Level 5: 2160p at 30 Hz.
        L5 = "5.0",
        /// Level 5.1: 2160p at 60 Hz.
        L5_1 = "5.1",
        /// Level 5.2: 2160p at 120 Hz.
        L5_2 = "5.2",
        /// Level 6.
        L6 = "6.0",
        /// Level 6.1.
        L6_1 = "6.1",
        /// Level 6.2.
        L6_2 = "6.2",
    }
}

words! {
    /// FFmpeg's `tier` of `hevc_nvenc`: which of a level's two highest bit rates holds.
    HevcTier {
        /// The lower: the default.
        Main = "main",
        /// The higher, from level 4 on.
        High = "high",
    }
}
