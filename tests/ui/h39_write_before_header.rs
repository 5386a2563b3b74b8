//! Nothing is written before the header.
use avsluice::*;

fn case(mut muxer: Muxer<mux::Configured>, track: Track, packet: Packet) {
    let _ = muxer.write(track, packet);
}

fn main() {}
