//! What libx264 makes, through the SIMULATED decoders, bit by bit against FFmpeg's software decoder.

mod common;
mod decoding;

use common::program::ffmpeg;
use decoding::{assert_decodes_to, assert_file_same_as_software, software};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const FRAMES: &str = "36";

/// Encodes moving, noisy pictures: prediction, transforms and filters all have work.
fn encode(directory: &Path, name: &str, size: &str, arguments: &str) -> PathBuf {
    let path = directory.join(name);
    let source = format!("testsrc2=size={size}:rate=25,noise=alls=9:allf=t:all_seed=5,format=yuv420p");
    let mut all = vec!["-f", "lavfi", "-i", &source, "-frames:v", FRAMES, "-c:v", "libx264", "-threads", "2"];
    all.extend(arguments.split_whitespace());
    all.push(path.to_str().expect("a plain path"));
    ffmpeg(&all);
    path
}

macro_rules! streams {
    ($($name:ident: $file:literal, $size:literal, $arguments:literal;)*) => { $(
        #[test]
        fn $name() {
            let directory = TempDir::new().expect("a temporary directory");
            let path = encode(directory.path(), $file, $size, $arguments);
            assert_file_same_as_software(stringify!($name), &path, 36);
        }
    )* };
}

streams! {
    cabac_with_everything: "a.h264", "176x144", "-preset veryslow";
    cavlc_in_slices: "a.mp4", "176x144", "-x264-params cabac=0:slices=4";
    constrained_baseline: "a.mp4", "176x144", "-profile:v baseline";
    mbaff_top_field_first: "a.h264", "176x160", "-flags +ilme+ildct -x264-params tff=1";
    mbaff_temporal_direct_in_slices:
        "a.mkv", "176x144", "-flags +ilme+ildct -x264-params bff=1:direct=temporal:bframes=3:weightb=1:slices=3";
    interlaced_flags_on_progressive_frames: "a.h264", "176x144", "-x264-params fake-interlaced=1";
    sixteen_b_frames_and_pyramid: "a.mp4", "176x144", "-x264-params bframes=16:b-adapt=0:b-pyramid=normal";
    sixteen_references: "a.mp4", "176x144", "-x264-params ref=16:bframes=3";
    weighted_prediction: "a.mp4", "176x144", "-vf fade=in:0:18,fade=out:20:16 -x264-params weightp=2:weightb=1:bframes=3";
    scaling_matrices: "a.h264", "176x144", "-x264-params cqm=jvt:8x8dct=1";
    scaling_matrices_without_8x8: "a.h264", "176x144", "-x264-params cqm=jvt:8x8dct=0";
    open_groups: "a.h264", "176x144", "-x264-params open-gop=1:keyint=12:bframes=3:b-adapt=0";
    intra_refresh: "a.h264", "176x144", "-x264-params intra-refresh=1:keyint=12:bframes=0";
    only_intra: "a.mp4", "176x144", "-g 1";
    no_deblocking_and_constrained_intra: "a.h264", "176x144", "-x264-params no-deblock=1:constrained-intra=1";
    offsets_of_deblocking_and_chroma: "a.h264", "176x144", "-x264-params deblock=-2,3:chroma-qp-offset=4:qpmin=20";
    another_parameter_set_id: "a.h264", "176x144", "-x264-params sps-id=7";
    cropped_322x182: "a.h264", "322x182", "";
    cropped_1366x768: "a.mp4", "1366x768", "-preset ultrafast";
    small_64x64: "a.h264", "64x64", "";
}

#[test]
fn lossless_is_not_for_va_api() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = encode(directory.path(), "a.h264", "176x144", "-qp 0");
    let input = ["-i", path.to_str().expect("a plain path")];
    decoding::assert_decodes_by(&decoding::NVIDIA, "lossless", &input, &software(&input).0);
    // It is of the profile High 4:4:4 Predictive, of which VA-API has none.
    let (hashes, run) = decoding::decode(decoding::Way::Vaapi, &input);
    assert!(hashes.is_empty() && !run.output.status.success(), "{}", common::stderr(&run.output));
}

#[test]
fn sequences_of_one_size_follow_each_other() {
    let directory = TempDir::new().expect("a temporary directory");
    let variants = ["-x264-params sps-id=3:bframes=2", "-profile:v baseline", "-x264-params cqm=jvt:interlaced=1"];
    let parts = variants.map(|arguments| std::fs::read(encode(directory.path(), "part.h264", "176x160", arguments)));
    let bytes: Vec<u8> = parts.into_iter().flat_map(|part| part.expect("just encoded")).collect();
    decoding::assert_same_as_software("sequences", &bytes, 3 * 36);
}

#[test]
fn a_change_of_size_makes_another_decoder() {
    let directory = TempDir::new().expect("a temporary directory");
    let sizes = ["176x144", "320x240", "64x64"];
    let parts = sizes.map(|size| std::fs::read(encode(directory.path(), "part.h264", size, "-x264-params bframes=2")));
    let path = directory.path().join("sizes.h264");
    let bytes: Vec<u8> = parts.into_iter().flat_map(|part| part.expect("just encoded")).collect();
    std::fs::write(&path, bytes).expect("writable");
    let input = ["-i", path.to_str().expect("a plain path")];
    let (expected, _) = software(&input);
    // h264_cuvid cannot do this: its pool of frames keeps the first size.
    let (hashes, run) = decoding::decode(decoding::Way::Nvdec, &input);
    assert_eq!(hashes, expected);
    assert_eq!(hashes.len(), 3 * 36);
    decoding::assert_clean("sizes", &run.ledger);
    let widths: Vec<u32> = run.ledger.decoders.iter().map(|decoder| decoder.width).collect();
    assert_eq!(widths, [176, 320, 64]);
}

#[test]
fn seeking_forgets_the_pictures_from_before() {
    let directory = TempDir::new().expect("a temporary directory");
    let arguments = "-x264-params open-gop=1:keyint=12:bframes=3:b-adapt=0";
    for file in ["a.mp4", "a.ts"] {
        let path = encode(directory.path(), file, "176x144", arguments);
        for start in ["0.2", "0.5", "0.7"] {
            // FFmpeg opens the file, seeks, decodes to the end, then seeks back and decodes again.
            // Pictures whose references are missing are shown too: they must not be made from those of before the seek.
            let (flags, path) = (["-flags", "+output_corrupt"], path.to_str().expect("a plain path"));
            let input = [&flags[..], &["-ss", start, "-stream_loop", "1", "-i", path]].concat();
            let (expected, _) = software(&input);
            assert!(!expected.is_empty());
            let (hashes, run) = decoding::decode(decoding::Way::Nvdec, &input);
            assert_eq!(hashes, expected, "{file} from {start}");
            decoding::assert_clean(start, &run.ledger);
            let once = ["-ss", start, "-i", path];
            assert_decodes_to(start, &once, &software(&once).0);
        }
    }
}

#[test]
fn frames_reach_system_memory() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = encode(directory.path(), "a.mp4", "322x182", "-x264-params bframes=3");
    let path = path.to_str().expect("a plain path");
    let (expected, _) = software(&["-i", path]);
    for decoder in [&["-hwaccel", "cuda"][..], &["-c:v", "h264_cuvid"]] {
        let run = common::program::ffmpeg_simulated(
            &[
                decoder,
                &["-i", path, "-pix_fmt", "nv12", "-fps_mode", "passthrough", "-f", "framehash", "-hash", "md5", "-"],
            ]
            .concat(),
        );
        let text = String::from_utf8_lossy(&run.output.stdout).into_owned();
        let hashes = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit(',').next());
        assert!(hashes.map(str::trim).eq(expected.iter().map(String::as_str)), "{decoder:?}");
        decoding::assert_clean("system memory", &run.ledger);
        assert!(run.ledger.bytes.device_to_host > 0);
    }
}

#[test]
fn the_driver_crops_and_scales() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = encode(directory.path(), "a.mp4", "176x144", "-x264-params bframes=3");
    let path = path.to_str().expect("a plain path");
    let (expected, _) = software(&["-i", path, "-vf", "crop=96:64:16:32"]);
    let (hashes, run) = decoding::decode(decoding::Way::Cuvid, &["-crop", "32x48x16x64", "-i", path]);
    assert_eq!(hashes, expected);
    decoding::assert_clean("crop", &run.ledger);
    let (hashes, run) = decoding::decode(decoding::Way::Cuvid, &["-resize", "88x72", "-i", path]);
    assert_eq!((hashes.len(), run.ledger.decoders[0].width), (36, 88));
    let (hashes, run) = decoding::decode(decoding::Way::Cuvid, &["-deint", "bob", "-surfaces", "12", "-i", path]);
    // Without the number, FFmpeg 7.1 takes its own queue for full before the first packet.
    assert_eq!((hashes.len(), run.ledger.violations.len()), (36, 0), "the sequence is progressive");
}

#[test]
fn few_surfaces_are_enough() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = encode(directory.path(), "a.mp4", "176x144", "-g 7 -x264-params bframes=3:ref=2:b-adapt=0");
    let path = path.to_str().expect("a plain path");
    let (expected, _) = software(&["-i", path]);
    let (hashes, run) = decoding::decode(decoding::Way::Cuvid, &["-surfaces", "9", "-i", path]);
    assert_eq!(hashes, expected);
    // FFmpeg 5.1 takes just these; later ones ask for more where the sequence needs them.
    let surfaces = run.ledger.decoders[0].surfaces;
    assert!((9..=20).contains(&surfaces), "{surfaces}");
    decoding::assert_clean("surfaces", &run.ledger);
}
