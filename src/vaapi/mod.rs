//! VA-API: devices, and options of FFmpeg's vaapi encoders.
//!
//! What is not set has FFmpeg's default, or the driver's. Bit rates, the GOP, B-frames and colour are the
//! [`Encoder`](crate::Encoder)'s. These encoders take VA-API surfaces alone: `upload` puts a picture into one. FFmpeg's vaapi encoders
//! read no setting again once they are open, and have no flush: [`set_bit_rate`](crate::Encoder::set_bit_rate) is `Unsupported`.
//!
//! ```no_run
//! use avsluice::{Device, Encoder, Format, FramePool, PixelFormat, TimeBase, vaapi};
//!
//! let device = Device::vaapi("/dev/dri/renderD128")?;
//! let pool = FramePool::new(&device, Format { width: 1920, height: 1080, pixels: PixelFormat::Nv12 })?;
//! let options = vaapi::H264::new().rc_mode(vaapi::RateControl::Vbr).profile(vaapi::H264Profile::High);
//! let encoder = Encoder::new(&pool, TimeBase::hz(30), options).bit_rate(6_000_000).open()?;
//! # Ok::<(), avsluice::Error>(())
//! ```

mod device;
#[cfg(target_os = "linux")]
mod import;

pub use crate::options::vaapi::{
    Coder, H264, H264Level, H264Profile, Hevc, HevcLevel, HevcProfile, HevcTier, RateControl,
};
pub use device::{Display, nodes};
