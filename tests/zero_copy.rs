//! Decoding into, and encoding from, device memory, on the SIMULATED NVIDIA driver: pictures compared with their published hashes,
//! copies counted by the driver.

mod support;

use avsluice::{
    Color, ColorRange, Cuda, Decoded, Decoder, Demuxer, Device, Encoder, ErrorKind, Frame, FramePool, Lend, Limit,
    Memory, Muxer, Named, Outcome, System, decode, encode::Encodes, nvenc, transfer,
};
use std::{path::Path, process::Command, sync::Mutex};
use support::{CLOCK, NV12, md5, open, picture, simulated};

/// Hashes of the pictures of a file, decoded in software.
fn hashes(path: &Path) -> Vec<String> {
    let (mut file, video) = open(path).unwrap();
    let frames = Decoder::new(System, &video).open().unwrap().frames(file.packets(&video));
    frames.map(|frame| md5(&frame.unwrap())).collect()
}

/// Makes a file with the `ffmpeg` program.
fn ffmpeg(arguments: &[&str], path: &Path) {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y"]).args(arguments).arg(path);
    let status = command.status().expect("the ffmpeg program: `cargo xtask test --setup` installs it");
    assert!(status.success(), "{command:?}");
}

#[test]
fn every_h264_stream_decodes_to_its_published_hashes() {
    simulated("every_h264_stream_decodes_to_its_published_hashes", |_| {
        let device = Device::cuda(0).unwrap();
        for stream in media::h264() {
            for name in [None, Some("h264_cuvid")] {
                let (mut file, video) = open(&stream.path).unwrap();
                let mut decoder = Decoder::new(&device, &video);
                if let Some(name) = name {
                    decoder = decoder.codec(name);
                }
                let mut frames = decoder.open().unwrap().frames(file.packets(&video));
                let hashes: Vec<_> = frames.by_ref().map(|frame| md5(&frame.unwrap().download().unwrap())).collect();
                assert!(hashes == stream.frames, "{} with {name:?}", stream.name);
                assert!(matches!(frames.close().free().outcome, Outcome::Drained));
            }
        }
        device.close().unwrap();
    });
}

#[test]
fn a_transcode_copies_nothing_between_host_and_device() {
    simulated("a_transcode_copies_nothing_between_host_and_device", |driver| {
        driver.configure(simgpu::Config { encoder_min_size: (33, 17), ..Default::default() });
        let dir = tempfile::tempdir().unwrap();
        for stream in media::h264() {
            let path = dir.path().join("out.mp4");
            driver.reset_counters();
            let before = transfer::stats();
            let device = Device::cuda(0).unwrap();
            let (mut file, video) = open(&stream.path).unwrap();
            let mut frames = Decoder::new(&device, &video).open().unwrap().frames(file.packets(&video));
            let pool = frames.pool().unwrap();
            let mut encoder = Encoder::new(&pool, video.time_base(), nvenc::H264::new()).open().unwrap();
            drop(pool);
            let mut output = Muxer::create(&path).unwrap();
            let track = output.add(&encoder).unwrap();
            let mut output = output.open().unwrap();
            for frame in &mut frames {
                for packet in encoder.send(frame.unwrap()).unwrap() {
                    output.write(track, packet.unwrap()).unwrap();
                }
            }
            let finished = encoder.flush().unwrap().finish(Limit::default(), |packet| output.write(track, packet));
            let report = finished.unwrap().free();
            output.finish().unwrap();
            frames.close().free();
            device.close().unwrap();

            assert_eq!((report.sent, report.received), (stream.frame_count as u64, stream.frame_count as u64));
            let bytes = driver.ledger().bytes;
            assert_eq!((bytes.host_to_device, bytes.device_to_host), (0, 0), "{}", stream.name);
            let after = transfer::stats();
            assert_eq!((after.uploads, after.downloads), (before.uploads, before.downloads));
            assert!(hashes(&path) == stream.frames, "{}: the output's pictures are the source's", stream.name);
        }
    });
}

#[test]
fn uploads_and_downloads_are_counted_and_exact() {
    simulated("uploads_and_downloads_are_counted_and_exact", |driver| {
        let before = transfer::stats();
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let host = picture(NV12, 5);
        let back = host.upload(&pool).unwrap().download().unwrap();
        assert_eq!(support::bytes(&back), support::bytes(&host));
        assert_eq!(back.pts(), Some(5));
        let (after, bytes) = (transfer::stats(), 160 * 96 * 3 / 2);
        assert_eq!((after.uploads - before.uploads, after.uploaded_bytes - before.uploaded_bytes), (1, bytes));
        assert_eq!((after.downloads - before.downloads, after.downloaded_bytes - before.downloaded_bytes), (1, bytes));
        let driver = driver.ledger().bytes;
        // FFmpeg copies rows as long as the host's pitch, which is the picture's width or more.
        assert!(driver.host_to_device >= bytes && driver.device_to_host >= bytes, "{driver:?}");
    });
}

#[test]
fn h22_a_planes_pitch_is_not_its_width() {
    simulated("h22_a_planes_pitch_is_not_its_width", |_| {
        let device = Device::cuda(0).unwrap();
        let frame = FramePool::new(&device, NV12).unwrap().frame().unwrap();
        let (luma, chroma) = (frame.plane(0), frame.plane(1));
        assert_eq!((luma.row, luma.rows, chroma.row, chroma.rows), (160, 96, 160, 48));
        assert!(luma.pitch > luma.row, "the driver aligns rows to more than 160 bytes: {}", luma.pitch);
        assert_eq!(chroma.data, luma.data + (luma.pitch * luma.rows) as u64);
        assert_eq!((frame.plane(2).data, frame.plane(2).rows), (0, 0), "no such plane");
    });
}

#[test]
fn h20_what_the_device_cannot_decode_is_an_error_or_announced() {
    simulated("h20_what_the_device_cannot_decode_is_an_error_or_announced", |_| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mpeg4.mkv");
        ffmpeg(&["-f", "lavfi", "-i", "testsrc2=size=160x96:rate=25", "-frames:v", "5", "-c:v", "mpeg4"], &path);
        let device = Device::cuda(0).unwrap();
        let (mut file, video) = open(&path).unwrap();
        let mut frames = Decoder::new(&device, &video).open().unwrap().frames(file.packets(&video));
        let error = frames.first().unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("mpeg4"), "by name: {error}");
        drop(frames.close());

        let software = hashes(&path);
        let (mut file, video) = open(&path).unwrap();
        let frames = Decoder::new(&device, &video).or_system().open().unwrap().frames(file.packets(&video));
        let fallback: Vec<_> = frames
            .map(|frame| match frame.unwrap() {
                Decoded::System(frame) => md5(&frame),
                Decoded::Device(_) => panic!("the simulated GPU decodes H.264 alone"),
            })
            .collect();
        assert_eq!(fallback, software);
        let (mut file, video) = open(media::standard().path).unwrap();
        let mut frames = Decoder::new(&device, &video).or_system().open().unwrap().frames(file.packets(&video));
        assert!(frames.is_on_device().unwrap());
        drop(frames);
        device.close().unwrap();
    });
}

#[test]
fn h50_a_stream_that_changes_is_never_taken_for_what_it_was() {
    simulated("h50_a_stream_that_changes_is_never_taken_for_what_it_was", |_| {
        let dir = tempfile::tempdir().unwrap();
        let source = ["-f", "lavfi", "-i", "testsrc2=size=160x96:rate=25", "-frames:v", "5", "-c:v", "libx264"];
        let [eight, ten, both] = ["8.h264", "10.h264", "both.h264"].map(|name| dir.path().join(name));
        ffmpeg(&[&source[..], &["-pix_fmt", "yuv420p"]].concat(), &eight);
        ffmpeg(&[&source[..], &["-pix_fmt", "yuv420p10le"]].concat(), &ten);
        std::fs::write(&both, [std::fs::read(&eight).unwrap(), std::fs::read(&ten).unwrap()].concat()).unwrap();
        let device = Device::cuda(0).unwrap();
        let (mut file, video) = open(&both).unwrap();
        let mut frames = Decoder::new(&device, &video).open().unwrap().frames(file.packets(&video));
        let mut good = 0;
        let error = loop {
            match frames.next() {
                Some(Ok(frame)) => {
                    assert_eq!(frame.format().pixels, avsluice::PixelFormat::Nv12);
                    good += 1;
                }
                Some(Err(error)) => break error,
                None => panic!("10-bit H.264 was decoded by a device that has none"),
            }
        };
        assert_eq!(*error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(good <= 5, "{good} frames are of the first part");
        drop(frames);
        device.close().unwrap();
    });
}

#[test]
fn h52_a_crop_at_the_left_and_top_is_reported() {
    simulated("h52_a_crop_at_the_left_and_top_is_reported", |_| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("crop.h264");
        let crop = "h264_metadata=crop_left=16:crop_top=8";
        let source = ["-f", "lavfi", "-i", "testsrc2=size=160x96:rate=25", "-frames:v", "3", "-pix_fmt", "yuv420p"];
        ffmpeg(&[&source[..], &["-c:v", "libx264", "-bsf:v", crop]].concat(), &path);
        let device = Device::cuda(0).unwrap();
        let (mut file, video) = open(&path).unwrap();
        let mut frames = Decoder::new(&device, &video).open().unwrap().frames(file.packets(&video));
        let frame = frames.next().unwrap().unwrap();
        // FFmpeg applies the right and bottom crop to hardware frames, and leaves the other: it is told, not lost in silence.
        assert_eq!((frame.format().width, frame.format().height), (160, 96));
        assert_eq!(frame.crop_left_top(), (16, 8));
        drop((frame, frames));
        device.close().unwrap();
    });
}

/// Takes frames until the decoder has none left; what it said then.
fn hold_all(
    decoder: Decoder<'_, Cuda, decode::Configured>,
    file: &mut Demuxer,
    stream: &avsluice::Stream,
) -> (usize, Option<avsluice::Error>) {
    let mut held: Vec<Frame<Cuda>> = Vec::new();
    let mut frames = decoder.open().unwrap().frames(file.packets(stream));
    let error = loop {
        match frames.next() {
            Some(Ok(frame)) => held.push(frame),
            Some(Err(error)) => break Some(error),
            None => break None,
        }
    };
    let count = held.len();
    drop(held);
    drop(frames);
    (count, error)
}

#[test]
fn h43_frames_can_be_held_and_running_out_is_named() {
    simulated("h43_frames_can_be_held_and_running_out_is_named", |_| {
        let device = Device::cuda(0).unwrap();
        let stream = media::standard();
        let (mut file, video) = open(&stream.path).unwrap();
        let (count, error) = hold_all(Decoder::new(&device, &video), &mut file, &video);
        assert!(error.is_none(), "copies may be held without end: {error:?}");
        assert_eq!(count, stream.frame_count);

        let (mut file, video) = open(&stream.path).unwrap();
        let direct = Decoder::new(&device, &video).surfaces(decode::Surfaces::Direct);
        let (few, error) = hold_all(direct, &mut file, &video);
        // FFmpeg 6.0 and later keep their output surfaces apart: there the driver's own limit is not reached by holding.
        if let Some(error) = error {
            assert_eq!(*error.kind(), ErrorKind::PoolExhausted, "{error}");
            assert!(error.to_string().contains("hold"), "it says what to do: {error}");
            let (mut file, video) = open(&stream.path).unwrap();
            let more = Decoder::new(&device, &video).surfaces(decode::Surfaces::Direct).hold(8);
            let (count, _) = hold_all(more, &mut file, &video);
            assert!(count >= few + 8, "hold(8) leaves room for 8 more than {few}: {count}");
        }
        device.close().unwrap();
    });
}

#[test]
fn h42_a_decoders_own_pool_gives_no_null_frames() {
    simulated("h42_a_decoders_own_pool_gives_no_null_frames", |_| {
        let device = Device::cuda(0).unwrap();
        let (mut file, video) = open(media::standard().path).unwrap();
        let direct = Decoder::new(&device, &video).surfaces(decode::Surfaces::Direct).open().unwrap();
        let mut frames = direct.frames(file.packets(&video));
        match frames.pool().unwrap().frame() {
            Ok(frame) => assert_ne!(frame.plane(0).data, 0),
            Err(error) => assert_eq!(*error.kind(), ErrorKind::Unsupported, "{error}"),
        }
        drop(frames);
        device.close().unwrap();
    });
}

#[test]
fn encoding_from_system_memory_is_exact_and_counted_by_the_driver() {
    simulated("encoding_from_system_memory_is_exact_and_counted_by_the_driver", |driver| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(System, NV12).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("system.mkv");
        let mut encoder = Encoder::new(&pool, CLOCK, nvenc::H264::new()).on(&device).open().unwrap();
        let mut output = Muxer::create(&path).unwrap();
        let track = output.add(&encoder).unwrap();
        let mut output = output.open().unwrap();
        for number in 0..10 {
            for packet in encoder.send(picture(NV12, number)).unwrap() {
                output.write(track, packet.unwrap()).unwrap();
            }
        }
        let finished = encoder.flush().unwrap().finish(Limit::default(), |packet| output.write(track, packet));
        assert_eq!(finished.unwrap().free().received, 10);
        output.finish().unwrap();
        device.close().unwrap();
        let expected: Vec<_> = (0..10).map(|number| md5(&picture(NV12, number))).collect();
        assert_eq!(hashes(&path), expected);
        let ledger = driver.ledger();
        assert!(ledger.bytes.encoder_input >= 10 * 160 * 96 * 3 / 2);
        assert_eq!(ledger.sessions.len(), 1);
    });
}

#[test]
fn frames_end_although_the_driver_fails_from_some_picture_on() {
    simulated("frames_end_although_the_driver_fails_from_some_picture_on", |driver| {
        driver.fail(simgpu::Fault { function: "cuvidMapVideoFrame64".into(), nth: 246, status: 999, sticky: true });
        let device = Device::cuda(0).unwrap();
        let (mut file, video) = open(media::standard().path).unwrap();
        let decoder = Decoder::new(&device, &video).codec("h264_cuvid").open().unwrap();
        let mut frames = decoder.frames(file.packets(&video));
        let items: Vec<_> = frames.by_ref().take(10 * media::standard().frame_count).collect();
        assert!(items.iter().any(Result::is_err), "not everything can be decoded");
        assert!(frames.next().is_none() && frames.next().is_none(), "the frames have an end: {}", items.len());
        drop((frames, items));
        device.close().unwrap();
    });
}

#[test]
fn h44_a_hardware_decoder_has_one_thread_whatever_is_asked_for() {
    simulated("h44_a_hardware_decoder_has_one_thread_whatever_is_asked_for", |driver| {
        let device = Device::cuda(0).unwrap();
        for threads in [1, 16] {
            let (mut file, video) = open(media::standard().path).unwrap();
            let decoder = Decoder::new(&device, &video).threads(threads).open().unwrap();
            assert!(decoder.frames(file.packets(&video)).first().is_ok());
        }
        device.close().unwrap();
        let surfaces: Vec<_> = driver.ledger().decoders.iter().map(|decoder| decoder.surfaces).collect();
        assert_eq!(surfaces[0], surfaces[1], "each thread would have surfaces of its own, of which there are 32");
    });
}

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
fn transcode<'d, M: Memory, O: Encodes<M>>(on: impl Lend<'d, Memory = M>, options: O, from: &Path, to: &Path) {
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
        let picture = ["-f", "lavfi", "-i", "testsrc2=size=160x96:rate=25", "-frames:v", "5", "-vf", "setsar=4/3"];
        let color = ["-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-color_range", "tv"];
        let codec = ["-pix_fmt", "yuv420p", "-chroma_sample_location", "topleft", "-c:v", "libx264"];
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

/// Whether this FFmpeg's nvdec gives out its own surfaces (before 6.0), so that the copying is avsluice's.
fn nvdec_gives_its_own_surfaces() -> bool {
    let process = libloading::os::unix::Library::this();
    // SAFETY: libavcodec is linked, and this is its function's signature.
    let version = unsafe { process.get::<unsafe extern "C" fn() -> u32>(b"avcodec_version") }.unwrap();
    // SAFETY: it has no preconditions.
    let version = unsafe { version() };
    version < ((59 << 16) | (55 << 8))
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
        let ours = nvdec_gives_its_own_surfaces();
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
