//! Nothing is written after the trailer.
use avsluice::*;

fn case(mut muxer: Muxer, track: Track, packet: Packet) -> Result<()> {
    muxer.finish()?;
    muxer.write(track, packet)
}

fn main() {}
