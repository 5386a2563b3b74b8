//! Values that encoders of H.264 share.

use super::settings::words;

words! {
    /// A level of H.264: a bound on size, rate and references that a decoder is built for.
    H264Level {
        /// Level 1.
        L1 = "1.0",
        /// Level 1b.
        L1b = "1b",
        /// Level 1.1.
        L1_1 = "1.1",
        /// Level 1.2.
        L1_2 = "1.2",
        /// Level 1.3.
        L1_3 = "1.3",
        /// Level 2.
        L2 = "2.0",
        /// Level 2.1.
        L2_1 = "2.1",
        /// Level 2.2.
        L2_2 = "2.2",
        /// Level 3.
        L3 = "3.0",
        /// Level 3.1: 720p at 30 Hz.
        L3_1 = "3.1",
        /// Level 3.2.
        L3_2 = "3.2",
        /// Level 4: 1080p at 30 Hz.
        L4 = "4.0",
        /// Level 4.1.
        L4_1 = "4.1",
        /// Level 4.2: 1080p at 60 Hz.
        L4_2 = "4.2",
        /// Level 5.
        L5 = "5.0",
        /// Level 5.1: 2160p at 30 Hz.
        L5_1 = "5.1",
        /// Level 5.2: 2160p at 60 Hz.
        L5_2 = "5.2",
        /// Level 6.
        L6 = "6.0",
        /// Level 6.1.
        L6_1 = "6.1",
        /// Level 6.2.
        L6_2 = "6.2",
    }
}
