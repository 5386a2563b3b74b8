//! `finish` writes it.
#![deny(unused_must_use)]
use avsluice::*;

fn case(muxer: Muxer<mux::Configured>) -> Result<()> {
    muxer.open()?.finish().map(drop)
}

fn main() {}
