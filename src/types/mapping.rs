//! How the host reads device memory.

/// How the host gets at a picture in device memory without a frame of its own ([`Frame::map`](crate::Frame::map)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mapping {
    /// The device's own memory (vaDeriveImage). Nothing is copied; on many GPUs it is slow to read, as no cache is
    /// behind it.
    Direct,
    /// A copy that the driver makes (vaGetImage), which goes with the mapping.
    Copy,
}
