//! What FFmpeg's muxers crash on, abort on or never come back from, and what is refused for it: no more than that.

use super::Container;

/// A trailer without a packet before it: a null pointer is followed (FFmpeg 5.1 to 9.0).
pub(super) fn crashes_without_packets(container: Container) -> bool {
    container.name() == "avif"
}
