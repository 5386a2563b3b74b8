//! The test streams: where they are and what their pictures hash to.
//!
//! The streams are those of the crate cros-codecs (BSD-3-Clause): cargo fetches it, pinned by Cargo.lock, and never
//! compiles it. Beside each stream lies a file with one MD5 a frame, in output order, made with FFmpeg as
//! `-pix_fmt nv12 -f framehash -hash md5`: the hash of the visible picture as NV12, no padding between rows.
//! [`Picture::md5`] hashes a decoded picture that way.
//!
//! ```
//! let stream = media::standard();
//! assert_eq!((stream.width, stream.height, stream.frame_count), (320, 240, 250));
//! assert_eq!(stream.frames.len(), 250);
//! ```
//!
//! At run time `AVSLUICE_MEDIA` names another unpacked copy of the crate, for a program that was built elsewhere.

#![forbid(unsafe_code)]

mod picture;

use std::fs;
use std::path::{Path, PathBuf};

pub use picture::{Picture, Plane};

/// What a stream is coded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// H.264, as an Annex B byte stream.
    H264,
    /// HEVC, as an Annex B byte stream.
    Hevc,
    /// VP8 in IVF.
    Vp8,
    /// VP9 in IVF.
    Vp9,
    /// AV1 in IVF.
    Av1,
}

/// One test stream and what its pictures must be.
#[derive(Clone, Debug)]
pub struct Stream {
    /// The file's name, `test-25fps.h264`.
    pub name: String,
    /// Where the file is.
    pub path: PathBuf,
    /// What it is coded in.
    pub codec: Codec,
    /// Width of the first picture, in pixels.
    pub width: u32,
    /// Height of the first picture, in pixels.
    pub height: u32,
    /// How many pictures a decoder gives.
    pub frame_count: usize,
    /// The MD5 of each picture as NV12, in output order. Empty for the stream that changes its resolution, whose publisher
    /// hashed scaled pictures: compare that one with FFmpeg's software decoder.
    pub frames: Vec<String>,
    /// Whether the pictures are coded as fields, which some hardware decodes and no hardware encodes.
    pub interlaced: bool,
}

/// One row of the table below.
struct Row {
    codec: Codec,
    name: &'static str,
    width: u32,
    height: u32,
    frame_count: usize,
    published: bool,
}

const fn row(codec: Codec, name: &'static str, width: u32, height: u32, frame_count: usize) -> Row {
    Row { codec, name, width, height, frame_count, published: true }
}

/// Every stream, the standard one first. av1-annexb.ivf.av1 is left out: FFmpeg does not read it and no hash was published.
const STREAMS: &[Row] = &[
    row(Codec::H264, "test-25fps.h264", 320, 240, 250),
    row(Codec::H264, "test-25fps-interlaced.h264", 320, 240, 250),
    row(Codec::H264, "64x64-I.h264", 64, 64, 1),
    row(Codec::H264, "64x64-I-P.h264", 64, 64, 2),
    row(Codec::H264, "64x64-I-P-B-P.h264", 64, 64, 3),
    row(Codec::H264, "64x64-I-P-B-P-high.h264", 64, 64, 3),
    row(Codec::Hevc, "test-25fps.h265", 320, 240, 250),
    row(Codec::Hevc, "bbb.h265", 176, 144, 60),
    row(Codec::Hevc, "bear.h265", 320, 180, 30),
    row(Codec::Hevc, "64x64-I.h265", 64, 64, 1),
    row(Codec::Hevc, "64x64-I-P.h265", 64, 64, 2),
    row(Codec::Hevc, "64x64-I-P-B-P.h265", 64, 64, 3),
    row(Codec::Vp8, "test-25fps.vp8", 320, 240, 250),
    row(Codec::Vp9, "test-25fps.vp9", 320, 240, 250),
    row(Codec::Vp9, "vp90-2-10-show-existing-frame.vp9.ivf", 352, 288, 13),
    row(Codec::Vp9, "vp90-2-10-show-existing-frame2.vp9.ivf", 352, 288, 16),
    Row { published: false, ..row(Codec::Vp9, "resolution_change_500frames-vp9.ivf", 640, 360, 500) },
    row(Codec::Av1, "test-25fps.ivf.av1", 320, 240, 250),
];

/// Every test stream.
///
/// # Panics
/// When a stream or its hashes are not where cargo unpacked them.
pub fn all() -> Vec<Stream> {
    STREAMS.iter().map(stream).collect()
}

/// The H.264 streams, the standard one first.
///
/// # Panics
/// As [`all`].
pub fn h264() -> Vec<Stream> {
    STREAMS.iter().filter(|row| row.codec == Codec::H264).map(stream).collect()
}

/// The stream that everything runs on unless told otherwise: H.264 Main, 320x240, 250 frames at 25 a second, B-frames.
///
/// # Panics
/// As [`all`].
pub fn standard() -> Stream {
    stream(&STREAMS[0])
}

/// The folder of the unpacked crate: `AVSLUICE_MEDIA`, else where cargo had put it when this crate was built.
fn folder() -> PathBuf {
    std::env::var_os("AVSLUICE_MEDIA").map_or_else(|| PathBuf::from(env!("MEDIA_STREAMS")), PathBuf::from)
}

fn stream(row: &Row) -> Stream {
    let of_codec = match row.codec {
        Codec::H264 => "h264",
        Codec::Hevc => "h265",
        Codec::Vp8 => "vp8",
        Codec::Vp9 => "vp9",
        Codec::Av1 => "av1",
    };
    let path = folder().join("src/codec").join(of_codec).join("test_data").join(row.name);
    assert!(path.is_file(), "{} is gone: run `cargo fetch` and build again", path.display());
    let frames = if row.published { hashes(&path) } else { Vec::new() };
    Stream {
        name: row.name.to_owned(),
        codec: row.codec,
        width: row.width,
        height: row.height,
        frame_count: row.frame_count,
        interlaced: row.name.contains("interlaced"),
        frames,
        path,
    }
}

/// The published hashes that lie beside `stream`, one a line.
fn hashes(stream: &Path) -> Vec<String> {
    let mut beside = stream.as_os_str().to_owned();
    beside.push(".md5");
    let text = fs::read_to_string(&beside).unwrap_or_else(|error| panic!("{}: {error}", Path::new(&beside).display()));
    text.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stream_is_there_with_one_hash_a_frame() {
        let all = all();
        assert_eq!(all.len(), 18);
        for stream in &all {
            assert!(fs::metadata(&stream.path).unwrap().len() > 1000, "{}", stream.name);
            if stream.name.starts_with("resolution_change") {
                assert!(stream.frames.is_empty());
            } else {
                assert_eq!(stream.frames.len(), stream.frame_count, "{}", stream.name);
            }
            for hash in &stream.frames {
                assert!(hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{}: {hash}", stream.name);
            }
        }
    }

    #[test]
    fn the_standard_stream_is_the_one_that_was_pinned() {
        let stream = standard();
        assert_eq!(stream.name, "test-25fps.h264");
        assert_eq!(stream.frame_count, 250);
        assert_eq!(stream.frames[0], "776f98580836e9d1f6de6cd5eaa26541");
        assert_eq!(fs::metadata(&stream.path).unwrap().len(), 150_148);
    }

    #[test]
    fn h264_streams_are_six_and_all_h264() {
        let streams = h264();
        assert_eq!(streams.len(), 6);
        assert!(streams.iter().all(|stream| stream.codec == Codec::H264 && !stream.frames.is_empty()));
        assert_eq!(streams.iter().filter(|stream| stream.interlaced).count(), 1);
    }
}
