//! What safe code may hand to the library and no file or caller should break: other media than video, empty packets, damage at the
//! end, values at the edge of their types. Software codecs alone.

mod support;

use avsluice::{
    Decoder, Demuxer, Encoder, ErrorKind, Format, FramePool, Limit, Muxer, Named, Outcome, Packet, PixelFormat, Result,
    System, TimeBase, mpeg4,
};
use std::{fs, path::Path};
use support::{CLOCK, YUV420P, bytes, isolated, open, picture};

/// One second of silence, as a WAV file.
fn silence(path: &Path) {
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data".to_vec();
    file.extend(16_000u32.to_le_bytes());
    file.extend([0; 16_000]);
    fs::write(path, file).unwrap();
}

/// FFmpeg's subtitle decoders take another structure than a frame to write to, and avcodec_send_packet does not check it: memory is
/// overwritten. A sound's sample format, read as a pixel format, would be a picture's.
#[test]
fn streams_that_are_no_video_are_not_opened() {
    isolated("streams_that_are_no_video_are_not_opened", || {
        let dir = tempfile::tempdir().unwrap();
        let (sound, text) = (dir.path().join("a.wav"), dir.path().join("a.srt"));
        silence(&sound);
        fs::write(&text, "1\n00:00:00,000 --> 00:00:01,000\nHello\n\n2\n00:00:02,000 --> 00:00:03,000\nHello\n\n")
            .unwrap();
        for path in [text, sound] {
            let mut file = Demuxer::open(&path).unwrap();
            let stream = file.streams()[0].clone();
            let error = match Decoder::new(System, &stream).threads(1).open() {
                Err(failed) => failed.into_error(),
                Ok(mut decoder) => {
                    for packet in file.packets(&stream) {
                        if let Ok(ready) = decoder.send(packet.unwrap()) {
                            ready.for_each(drop);
                        }
                    }
                    panic!("{} was decoded", path.display());
                }
            };
            assert_eq!(*error.kind(), ErrorKind::Unsupported, "{error}");
            assert!(error.to_string().contains("video"), "{error}");
        }
    });
}

#[test]
fn encoders_of_anything_but_video_are_refused() {
    isolated("encoders_of_anything_but_video_are_refused", || {
        let pool = FramePool::new(System, YUV420P).unwrap();
        for name in ["srt", "subrip", "ass", "webvtt", "mov_text", "dvbsub", "dvdsub", "xsub", "aac", "pcm_s16le"] {
            match Encoder::new(&pool, CLOCK, Named::new(name)).open() {
                Err(failed) => {
                    assert_eq!(*failed.kind(), ErrorKind::Unsupported, "{name}: {}", failed.error());
                    assert!(failed.to_string().contains("video"), "{}", failed.error());
                }
                Ok(mut encoder) => {
                    if let Ok(ready) = encoder.send(picture(YUV420P, 0)) {
                        ready.for_each(drop);
                    }
                    panic!("{name} was opened");
                }
            }
        }
    });
}

/// A sample of no bytes in an MP4 file: to FFmpeg's decoders it is an invalid argument, and without a buffer the end of the stream.
#[test]
fn packets_of_no_bytes_do_not_end_the_stream() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("empty.mov");
    let format = Format { pixels: PixelFormat::Rgb24, ..YUV420P };
    let pool = FramePool::new(System, format).unwrap();
    let mut encoder = Encoder::new(&pool, CLOCK, Named::new("png")).threads(1).open().unwrap();
    let mut output = Muxer::create(&path).unwrap();
    let track = output.add(&encoder).unwrap();
    let mut output = output.open().unwrap();
    let mut sizes = Vec::new();
    for number in 0..10 {
        let mut frame = picture(format, number);
        // No two of one size, or the file has no table of sizes.
        frame.plane_mut(0).unwrap().lines_mut().flatten().take(100 * number).for_each(|sample| *sample = 0);
        for packet in encoder.send(frame).unwrap() {
            let packet = packet.unwrap();
            sizes.push(packet.data().len() as u32);
            output.write(track, packet).unwrap();
        }
    }
    drop(encoder.flush().unwrap().abandon().free());
    output.finish().unwrap();
    // The fifth picture is given to the sixth, whose decoder looks at the first picture only.
    let mut bytes = fs::read(&path).unwrap();
    let table = |sizes: &[u32]| sizes.iter().flat_map(|size| size.to_be_bytes()).collect::<Vec<_>>();
    let place = bytes.windows(40).position(|window| window == table(&sizes)).expect("the table of sizes");
    (sizes[4], sizes[5]) = (0, sizes[4] + sizes[5]);
    bytes[place..place + 40].copy_from_slice(&table(&sizes));
    fs::write(&path, bytes).unwrap();

    let (mut file, video) = open(&path).unwrap();
    let packets: Vec<_> = file.packets(&video).collect::<Result<_>>().unwrap();
    assert!(packets[4].data().is_empty(), "the file has the packet that this is about");
    let mut frames = Decoder::new(System, &video).threads(1).open().unwrap().frames(packets.into_iter().map(Ok));
    assert_eq!(frames.by_ref().map(Result::unwrap).count(), 9);
    let report = frames.close().free();
    assert!(matches!(report.outcome, Outcome::Drained), "{report}");
    assert_eq!(report.damaged, 1);

    let mut decoder = Decoder::new(System, &video).open().unwrap();
    assert_eq!(decoder.send(Packet::new(&[]).unwrap()).unwrap().count(), 0, "an application's own neither");
    assert_eq!(decoder.damaged(), 1);
    drop(decoder.flush().unwrap().abandon());
}

/// With frame threads the damage shows only when the end of stream is sent.
#[test]
fn damage_at_the_end_loses_no_good_frame() {
    let (mut file, video) = open(media::standard().path).unwrap();
    for threads in [1, 4] {
        let mut decoder = Decoder::new(System, &video).threads(threads).open().unwrap();
        let (mut frames, mut sent) = (0, 0);
        for packet in file.packets(&video).take(20) {
            frames += decoder.send(packet.unwrap().trusted()).unwrap().map(Result::unwrap).count();
            sent += 1;
        }
        for _ in 0..threads {
            let slice = Packet::new(&[0, 0, 0, 1, 0x65, 0xff, 0xff, 0xff]).unwrap();
            frames += decoder.send(slice).unwrap().map(Result::unwrap).count();
        }
        let closed = decoder.flush().unwrap().finish(Limit::default(), |_| {
            frames += 1;
            Ok(())
        });
        let report = closed.unwrap().free();
        assert!(matches!(report.outcome, Outcome::Drained), "{threads} threads: {report}");
        assert!(report.damaged > 0);
        assert_eq!(frames, sent, "{threads} threads");
        (file, _) = open(media::standard().path).unwrap();
    }
}

/// Only parameter sets with start codes can stand before a packet: FFV1's would be taken for the picture.
#[test]
fn headers_without_start_codes_stay_out_of_the_packets() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ffv1.avi");
    let pool = FramePool::new(System, YUV420P).unwrap();
    let options = Named::new("ffv1").set("level", "3");
    let mut encoder = Encoder::new(&pool, CLOCK, options).threads(1).open().unwrap();
    let mut output = Muxer::create(&path).unwrap();
    let track = output.add(&encoder).unwrap();
    let mut output = output.open().unwrap();
    for number in 0..3 {
        for packet in encoder.send(picture(YUV420P, number)).unwrap() {
            output.write(track, packet.unwrap()).unwrap();
        }
    }
    drop(encoder.flush().unwrap().finish(Limit::default(), |packet| output.write(track, packet)).unwrap().free());
    output.finish().unwrap();

    let (mut file, video) = open(&path).unwrap();
    let mut frames = Decoder::new(System, &video).threads(1).open().unwrap().frames(file.packets(&video));
    let decoded: Vec<_> = frames.by_ref().map(|frame| bytes(&frame.unwrap())).collect();
    let sent: Vec<_> = (0..3).map(|number| bytes(&picture(YUV420P, number))).collect();
    assert!(decoded == sent, "FFV1 is lossless");
    assert_eq!(frames.close().free().damaged, 0);
}

#[test]
fn numbers_at_the_edge_of_their_types_are_errors_and_no_panics() {
    isolated("numbers_at_the_edge_of_their_types_are_errors_and_no_panics", || {
        let pool = FramePool::new(System, YUV420P).unwrap();
        let new = |clock| Encoder::new(&pool, clock, mpeg4::Mpeg4::new()).threads(1);
        let configured = [
            new(TimeBase { num: i32::MAX, den: 1 }),
            new(TimeBase { num: 1, den: i32::MAX }).frame_rate(1, i32::MAX as u32),
            new(TimeBase { num: i32::MAX, den: i32::MAX }).frame_rate(i32::MAX as u32, 1),
            new(TimeBase { num: i32::MIN, den: i32::MIN }),
            new(TimeBase { num: 0, den: 0 }),
            new(CLOCK).bit_rate(u64::MAX),
            new(CLOCK).bit_rate(1 << 40),
            new(CLOCK).bit_rate(1),
            new(CLOCK).bit_rate(400_000).max_bit_rate(u64::MAX).buffer_size(u32::MAX),
            new(CLOCK).max_bit_rate(0).buffer_size(1),
            new(CLOCK).gop_size(u32::MAX),
            new(CLOCK).gop_size(0),
            new(CLOCK).max_b_frames(u32::MAX),
            new(CLOCK).threads(u32::MAX),
            new(CLOCK).frame_rate(u32::MAX, 1),
            new(CLOCK).frame_rate(0, 0),
            new(CLOCK).sample_aspect_ratio(u32::MAX, 0),
            new(CLOCK).sample_aspect_ratio(i32::MAX as u32, 1),
        ];
        for configured in [new(CLOCK).bit_rate(1 << 32), new(CLOCK).max_bit_rate(1 << 32), new(CLOCK).max_bit_rate(0)] {
            let failed = configured.open().err().expect("refused");
            assert!(matches!(failed.kind(), ErrorKind::InvalidSetting { name } if name.ends_with("bit_rate")));
        }
        for configured in configured {
            let Ok(mut encoder) = configured.open() else { continue };
            for pts in [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX] {
                let mut frame = picture(YUV420P, 0);
                frame.set_pts(pts);
                if let Ok(ready) = encoder.send(frame) {
                    ready.take(8).for_each(drop);
                }
            }
            if let Ok(flushing) = encoder.flush() {
                drop(flushing.finish(Limit::default(), |_| Ok(())));
            }
        }
        for (width, height) in [(0, 1), (1, 0), (1, i32::MAX as u32), (i32::MAX as u32, 1), (u32::MAX, u32::MAX)] {
            let pixels = PixelFormat::Yuv420p;
            assert!(avsluice::Frame::system(Format { width, height, pixels }).is_err());
            assert!(FramePool::new(System, Format { width, height, pixels }).is_err());
        }
        assert!(TimeBase { num: 1, den: 0 }.seconds(i64::MIN).is_infinite());
    });
}
