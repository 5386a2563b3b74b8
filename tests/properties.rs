//! What a picture is besides its pixels, carried from the source to the file; and what is said of decoders that cannot.
//! On the SIMULATED NVIDIA driver and on software codecs.

mod support;

use avsluice::{
    AsDevice, Color, ColorRange, Decoded, Decoder, Device, Encoder, ErrorKind, Limit, Memory, Muxer, Named, System,
    decode, encode::Encodes, nvenc, transfer,
};
use std::{path::Path, process::Command, sync::Mutex};
use support::codecs::ffmpeg;
use support::{open, simulated};

/// What ffprobe says of the first stream, or of its first frame.
fn probe(entries: &str, path: &Path) -> Vec<String> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-select_streams", "v:0", "-read_intervals", "%+#1", "-of", "default=nw=1"]);
    let output = command.args(["-show_entries", entries]).arg(path).output().expect("FFmpeg's ffprobe program");
    assert!(output.status.success(), "{command:?}");
    let mut lines: Vec<_> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_string).collect();
    lines.sort();
    lines
}

/// Transcodes a file with an encoder for the decoded frames' pool.
fn transcode<'d, M: Memory, O: Encodes<M>>(on: impl AsDevice<'d, Memory = M>, options: O, from: &Path, to: &Path) {
    let (mut file, video) = open(from).unwrap();
    let mut frames = Decoder::new(on, &video).open().unwrap().frames(file.packets(&video));
    let pool = frames.pool().unwrap();
    let mut encoder = Encoder::new(&pool, video.time_base(), options).open().unwrap();
    let mut output = Muxer::create(to).unwrap();
    let track = output.add(&encoder).unwrap();
    let mut output = output.open().unwrap();
    for frame in &mut frames {
        for packet in encoder.send(frame.unwrap()).unwrap() {
            output.write(track, packet.unwrap()).unwrap();
        }
    }
    encoder.flush().unwrap().finish(Limit::default(), |packet| output.write(track, packet)).unwrap().free();
    output.finish().unwrap();
}

const COLOR: &str = "stream=sample_aspect_ratio,color_range,color_space,color_transfer,color_primaries,chroma_location";

#[test]
fn colour_and_aspect_ratio_are_carried_from_the_source_to_the_file() {
    simulated("colour_and_aspect_ratio_are_carried_from_the_source_to_the_file", |_| {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let source = at("source.mkv");
        let picture = ["-f", "lavfi", "-i", "testsrc2=size=160x96:rate=25", "-frames:v", "5", "-pix_fmt", "yuv420p"];
        // The encoder's options -color_primaries and so on give way to the pictures' own from FFmpeg 7 on.
        let color = "color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv";
        let color = ["-vf", &format!("setsar=4/3,setparams={color}")];
        let codec = ["-chroma_sample_location", "topleft", "-c:v", "libx264", "-x264-params", "chromaloc=2"];
        ffmpeg(&[&picture[..], &color, &codec].concat(), &source);
        let due = probe(COLOR, &source);
        for value in ["=4:3", "=tv", "color_space=bt709", "transfer=bt709", "primaries=bt709", "=topleft"] {
            assert!(due.iter().any(|line| line.ends_with(value)), "the source says {value}: {due:?}");
        }
        let device = Device::cuda(0).unwrap();
        let (mut file, video) = open(&source).unwrap();
        let mut frames = Decoder::new(&device, &video).open().unwrap().frames(file.packets(&video));
        let said = Color { range: ColorRange::Limited, primaries: 1, transfer: 1, matrix: 1 };
        assert_eq!(frames.first().unwrap().color(), said);
        drop(frames);
        for name in ["x264.mkv", "x264.mp4", "x264.h264"] {
            transcode(System, Named::new("libx264"), &source, &at(name));
            assert_eq!(probe(COLOR, &at(name)), due, "{name}");
        }
        // NVENC has no word for where the chroma samples lie.
        let known = |lines: Vec<String>| lines.into_iter().filter(|line| !line.contains("chroma")).collect::<Vec<_>>();
        for name in ["nvenc.mkv", "nvenc.mp4", "nvenc.h264"] {
            transcode(&device, nvenc::H264::new(), &source, &at(name));
            assert_eq!(known(probe(COLOR, &at(name))), known(due.clone()), "{name}");
        }
        // MPEG-4 has no place for colours: the container has.
        transcode(System, Named::new("mpeg4"), &source, &at("mpeg4.mkv"));
        assert_eq!(known(probe(COLOR, &at("mpeg4.mkv"))), known(due));
        device.close().unwrap();
    });
}

#[test]
fn hdr_metadata_is_carried_from_the_source_to_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let (source, copy) = (dir.path().join("source.mkv"), dir.path().join("copy.mkv"));
    let picture = ["-f", "lavfi", "-i", "testsrc2=size=160x96:rate=25", "-frames:v", "5", "-pix_fmt", "yuv420p10le"];
    let display =
        "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400";
    let hdr = format!("log-level=none:hdr10=1:colorprim=9:transfer=16:colormatrix=9:{display}");
    ffmpeg(&[&picture[..], &["-c:v", "libx265", "-x265-params", &hdr]].concat(), &source);
    // An encoder that writes none of it into its own stream: what the copy says is the container's.
    transcode(System, Named::new("ffv1"), &source, &copy);
    let lines = probe("side_data", &copy);
    let values = |name: &str| {
        let value = lines.iter().find_map(|line| line.strip_prefix(&format!("{name}=")))?;
        let (num, den) = value.split_once('/').unwrap_or((value, "1"));
        Some((num.parse::<f64>().unwrap() / den.parse::<f64>().unwrap() * 1000.0).round())
    };
    assert_eq!((values("red_x"), values("max_luminance")), (Some(680.0), Some(1_000_000.0)), "{lines:?}");
    assert_eq!((values("max_content"), values("max_average")), (Some(1_000_000.0), Some(400_000.0)), "{lines:?}");
}

#[test]
fn copies_of_the_decoders_surfaces_are_counted() {
    simulated("copies_of_the_decoders_surfaces_are_counted", |driver| {
        let device = Device::cuda(0).unwrap();
        let on_device = |surfaces| {
            let before = (transfer::stats(), driver.ledger().bytes.device_to_device);
            let (mut file, video) = open(media::standard().path).unwrap();
            let frames = Decoder::new(&device, &video).surfaces(surfaces).open().unwrap().frames(file.packets(&video));
            let count = frames.map(|frame| drop(frame.unwrap())).count() as u64;
            let after = (transfer::stats(), driver.ledger().bytes.device_to_device);
            let counted = after.0.device_copies - before.0.device_copies;
            let bytes = after.0.device_copied_bytes - before.0.device_copied_bytes;
            (count, counted, bytes, after.1 - before.1)
        };
        let (frames, copies, bytes, by_driver) = on_device(decode::Surfaces::Copied);
        assert!(by_driver >= frames * 320 * 240 * 3 / 2, "somebody copies: {by_driver}");
        let ours = cfg!(nvdec_direct_surfaces);
        assert_eq!((copies, bytes), if ours { (frames, frames * 320 * 240 * 3 / 2) } else { (0, 0) });
        assert_eq!(on_device(decode::Surfaces::Direct), (frames, 0, 0, 0), "nobody copies");
        device.close().unwrap();
    });
}

#[test]
fn h20_a_codec_that_no_nvidia_gpu_decodes_is_refused_at_the_opening() {
    simulated("h20_a_codec_that_no_nvidia_gpu_decodes_is_refused_at_the_opening", |_| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ffv1.mkv");
        ffmpeg(&["-f", "lavfi", "-i", "testsrc2=size=160x96:rate=25", "-frames:v", "3", "-c:v", "ffv1"], &path);
        let device = Device::cuda(0).unwrap();
        let (mut file, video) = open(&path).unwrap();
        let failed = Decoder::new(&device, &video).open().err().unwrap();
        assert_eq!(*failed.kind(), ErrorKind::Unsupported, "{failed}");
        assert!(failed.to_string().contains("ffv1"), "{failed}");
        let fallback = failed.into_value().or_system().open().unwrap().frames(file.packets(&video));
        assert_eq!(fallback.filter(|frame| matches!(frame, Ok(Decoded::System(_)))).count(), 3);
        device.close().unwrap();
    });
}

/// Warnings of avsluice's own.
static WARNINGS: Mutex<Vec<String>> = Mutex::new(Vec::new());
struct Logger;
impl log::Log for Logger {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() == log::Level::Warn
    }
    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            WARNINGS.lock().unwrap().push(record.args().to_string());
        }
    }
    fn flush(&self) {}
}

#[test]
fn h20_a_fallback_to_software_is_logged_once() {
    simulated("h20_a_fallback_to_software_is_logged_once", |_| {
        log::set_logger(&Logger).unwrap();
        log::set_max_level(log::LevelFilter::Warn);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mpeg4.mkv");
        ffmpeg(&["-f", "lavfi", "-i", "testsrc2=size=160x96:rate=25", "-frames:v", "5", "-c:v", "mpeg4"], &path);
        let device = Device::cuda(0).unwrap();
        let (mut file, video) = open(&path).unwrap();
        let frames = Decoder::new(&device, &video).or_system().open().unwrap().frames(file.packets(&video));
        assert_eq!(frames.map(Result::unwrap).count(), 5);
        let lines = WARNINGS.lock().unwrap();
        let said = lines.iter().filter(|line| line.contains("mpeg4 decodes in software")).count();
        assert_eq!(said, 1, "{lines:?}");
        device.close().unwrap();
    });
}

#[test]
fn pictures_of_a_file_that_has_decoding_times_alone_are_shown_from_there_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("times.avi");
    let source = ["-f", "lavfi", "-i", "testsrc2=size=160x96:rate=25", "-frames:v", "40", "-g", "12"];
    ffmpeg(&[&source[..], &["-c:v", "libx264", "-sc_threshold", "0"]].concat(), &path);
    let (mut file, video) = open(&path).unwrap();
    let mut packets = file.packets(&video).skip(12).peekable();
    let first = packets.peek().unwrap().as_ref().unwrap();
    assert_eq!(
        (first.pts(), first.dts(), first.is_keyframe()),
        (None, Some(12), true),
        "AVI has no presentation times"
    );
    let frames = Decoder::new(System, &video).threads(1).open().unwrap().frames(packets);
    let times: Vec<_> = frames.map(|frame| frame.unwrap().pts().unwrap()).collect();
    assert!(times.len() == 28 && times[0] >= 12, "from packet 12 on: {times:?}");
    assert!(times.windows(2).all(|pair| pair[1] == pair[0] + 1), "{times:?}");
}
