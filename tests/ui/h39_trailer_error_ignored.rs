//! An error in writing the trailer cannot be overlooked.
#![deny(unused_must_use)]
use avsluice::*;

fn case(muxer: Muxer) {
    muxer.finish();
}

fn main() {}
