//! `open` writes it.
use avsluice::*;

fn case(muxer: Muxer<mux::Configured>, track: Track, packet: Packet) -> Result<()> {
    let mut muxer = muxer.open()?;
    let _ = muxer.write(track, packet);
    Ok(())
}

fn main() {}
