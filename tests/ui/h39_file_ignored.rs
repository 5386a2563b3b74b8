//! A file that was begun needs its trailer.
#![deny(unused_must_use)]
use avsluice::*;

fn case(muxer: Muxer<mux::Configured>) -> Result<()> {
    muxer.open()?;
    Ok(())
}

fn main() {}
