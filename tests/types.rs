//! What the types reject, and the API's auto traits and sizes. What they accept is the test target `ok`.
use avsluice::{
    Any, Cuda, Decoder, Demuxer, Device, Encoder, Error, Failed, Frame, FramePool, Muxer, OrSystem, Packet, Stream, System,
    Track, decode, encode, mux, nvenc,
};
use static_assertions::{assert_eq_size, assert_impl_all, assert_not_impl_any};
use std::{collections::BTreeSet, fs, path::Path};

#[test]
fn ui() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
