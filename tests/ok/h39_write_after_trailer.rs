//! Written before.
use avsluice::*;

fn case(mut muxer: Muxer, track: Track, packet: Packet) -> Result<()> {
    muxer.write(track, packet)?;
    muxer.finish().map(drop)
}

fn main() {}
