//! Real H.264 streams through the SIMULATED decoder: each frame has the published hash.

mod common;
mod decoding;

use decoding::assert_decodes_to;

#[test]
fn every_published_stream_decodes_to_its_hashes() {
    let streams = media::h264();
    assert!(streams.len() >= 6, "{streams:?}");
    for stream in streams {
        let path = stream.path.to_str().expect("a plain path");
        assert_eq!(stream.frames.len(), stream.frame_count, "{}", stream.name);
        assert_decodes_to(&stream.name, &["-i", path], &stream.frames);
    }
}
