//! Decoding into, and encoding from, device memory, on the SIMULATED NVIDIA driver: pictures compared with their published hashes,
//! copies counted by the driver.

mod support;

use avsluice::{
    Cuda, Decoded, Decoder, Demuxer, Device, Encoder, ErrorKind, Frame, FramePool, Limit, Muxer, Outcome, System,
    decode, nvenc, transfer,
};
use support::codecs::{ffmpeg, hashes};
use support::{CLOCK, NV12, md5, open, picture, simulated};

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
        assert_eq!((luma.row_bytes, luma.rows, chroma.row_bytes, chroma.rows), (160, 96, 160, 48));
        assert!(luma.pitch > luma.row_bytes, "the driver aligns rows to more than 160 bytes: {}", luma.pitch);
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
            assert!(error.to_string().contains("extra_frames"), "it says what to do: {error}");
            let (mut file, video) = open(&stream.path).unwrap();
            let more = Decoder::new(&device, &video).surfaces(decode::Surfaces::Direct).extra_frames(8);
            let (count, _) = hold_all(more, &mut file, &video);
            assert!(count >= few + 8, "extra_frames(8) leaves room for 8 more than {few}: {count}");
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
        let before = transfer::stats();
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
        // By the library, which says so; nvenc's own input buffers are not used.
        // FFmpeg copies rows with their padding in some versions.
        assert!(ledger.bytes.host_to_device >= 10 * 160 * 96 * 3 / 2);
        assert_eq!(ledger.bytes.encoder_input, 0);
        assert_eq!(transfer::stats().uploads - before.uploads, 10);
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
