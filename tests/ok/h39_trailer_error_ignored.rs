//! It is passed on.
#![deny(unused_must_use)]
use avsluice::*;

fn case(muxer: Muxer) -> Result<()> {
    muxer.finish().map(drop)
}

fn main() {}
