//! The life cycle on software codecs: no GPU, no simulated driver. Also run under Valgrind and AddressSanitizer.

mod support;

use avsluice::{
    Decoder, Encoder, ErrorKind, Format, Frame, FramePool, Limit, Named, Outcome, Packet, PixelFormat, Result, Settle,
    System, Teardown, TimeBase, mpeg4,
};
use std::time::Duration;
use support::codecs::{encode, encoder};
use support::{CLOCK, YUV420P, md5, open, picture};

#[test]
fn every_frame_becomes_a_packet() {
    let mut encoder = encoder();
    let mut packets = encode(&mut encoder, 0..20);
    assert_eq!(packets.len() + encoder.in_flight(), 20);
    let closed = encoder
        .flush()
        .unwrap()
        .finish(Limit::default(), |packet| {
            packets.push(packet);
            Ok(())
        })
        .unwrap();
    assert_eq!((closed.report().sent, closed.report().received, closed.report().lost), (20, 20, 0));
    let report = closed.free();
    assert!(matches!(report.outcome, Outcome::Drained));
    assert_eq!(packets.len(), 20);
    assert!(packets[0].is_keyframe());
    assert_eq!(packets[0].time_base(), Some(CLOCK));
    assert!(packets.iter().all(|packet| packet.duration() == 1), "the time of one frame at 25 Hz");
}

#[test]
fn decoded_pictures_have_the_published_hashes() {
    for stream in media::h264() {
        let (mut file, video) = open(&stream.path).unwrap();
        let mut frames = Decoder::new(System, &video).threads(1).open().unwrap().frames(file.packets(&video));
        let hashes: Vec<_> = frames.by_ref().map(|frame| md5(&frame.unwrap())).collect();
        assert!(hashes == stream.frames, "{}", stream.name);
        let report = frames.close().free();
        assert!(matches!(report.outcome, Outcome::Drained), "{report}");
        assert_eq!((report.received, report.damaged), (stream.frame_count as u64, 0));
    }
}

#[test]
fn h01_dropping_is_safe_in_each_state() {
    let pool = FramePool::new(System, YUV420P).unwrap();
    drop(Encoder::new(&pool, CLOCK, mpeg4::Mpeg4::new()));
    drop(encoder());
    let mut opened = encoder();
    let packets = encode(&mut opened, 0..5);
    drop(opened);
    assert!(!packets[0].data().is_empty(), "packets outlive their encoder");
    let mut flushing = encoder();
    drop(encode(&mut flushing, 0..5));
    drop(flushing.flush().unwrap());
    let mut closed = encoder();
    drop(encode(&mut closed, 0..5));
    drop(closed.flush().unwrap().abandon());
}

#[test]
fn h04_flush_with_no_frame() {
    let mut flushing = encoder().flush().unwrap();
    assert!(flushing.receive().unwrap().is_none());
    let report = flushing.finish(Limit::default(), |_| panic!("a packet of nothing")).unwrap().free();
    assert_eq!((report.sent, report.received), (0, 0));
    assert!(matches!(report.outcome, Outcome::Drained));
}

#[test]
fn abandoning_counts_what_is_lost() {
    let pool = FramePool::new(System, YUV420P).unwrap();
    let mut encoder = Encoder::new(&pool, CLOCK, mpeg4::Mpeg4::new()).max_b_frames(2).threads(1).open().unwrap();
    let out = encode(&mut encoder, 0..4).len() as u64;
    let flushing = encoder.flush().unwrap();
    assert_eq!(flushing.in_flight() as u64, 4 - out);
    let report = flushing.abandon().free();
    assert!(out < 4, "B-frames delay the output");
    assert_eq!((report.received, report.lost), (out, 4 - out));
    assert!(matches!(report.outcome, Outcome::Abandoned { in_flight } if in_flight as u64 == 4 - out));
}

#[test]
fn h40_a_drain_has_a_limit_and_gives_the_encoder_back() {
    let pool = FramePool::new(System, YUV420P).unwrap();
    let mut encoder = Encoder::new(&pool, CLOCK, mpeg4::Mpeg4::new()).max_b_frames(3).threads(1).open().unwrap();
    let before = encode(&mut encoder, 0..4).len();
    let limit = Limit { outputs: 1, ..Limit::default() };
    let mut out = 0;
    let failed = encoder.flush().unwrap().finish(limit, |_| {
        out += 1;
        Ok(())
    });
    let (error, encoder) = failed.err().unwrap().into_parts();
    assert_eq!(out, 1);
    assert!(matches!(error.kind(), ErrorKind::DrainStalled { .. }), "{error}");
    let report = encoder.finish(Limit::default(), |_| {
        out += 1;
        Ok(())
    });
    let report = report.unwrap().free();
    assert_eq!(before + out, 4, "the packet beyond the limit was not lost");
    assert!(matches!(report.outcome, Outcome::Drained));
}

#[test]
fn an_error_of_the_sink_gives_the_encoder_back() {
    let mut encoder = encoder();
    drop(encode(&mut encoder, 0..3));
    let mut encoder = Some(encoder);
    // mpeg4 gives its packets at once: with B-frames some are left for the drain.
    let pool = FramePool::new(System, YUV420P).unwrap();
    let mut delayed = Encoder::new(&pool, CLOCK, mpeg4::Mpeg4::new()).max_b_frames(2).threads(1).open().unwrap();
    drop(encode(&mut delayed, 0..4));
    let failed = delayed.flush().unwrap().finish(Limit::default(), |_| Err(avsluice::Error::other("disk full")));
    let (error, delayed) = failed.err().unwrap().into_parts();
    assert_eq!(error.to_string(), "disk full");
    drop(delayed.finish(Limit::default(), |_| Ok(())).unwrap());
    drop(encoder.take());
}

#[test]
fn full_gives_the_frame_back_and_nothing_is_lost() {
    let mut encoder = encoder();
    let mut sent = 0;
    let frame = loop {
        match encoder.send(picture(YUV420P, sent)) {
            Ok(ready) => drop(ready), // leaves the packet inside
            Err(failed) => {
                assert_eq!(*failed.kind(), ErrorKind::Full);
                break failed.into_value();
            }
        }
        sent += 1;
        assert!(sent < 100, "the encoder is never full");
    };
    assert_eq!(frame.pts(), Some(sent as i64));
    assert!(!encoder.poisoned().is_some_and(|_| true), "our own mistake does not poison");
    // The end of stream finds no room either: what is inside comes out first.
    let mut out = 0;
    let report = encoder.flush().unwrap().finish(Limit::default(), |_| {
        out += 1;
        Ok(())
    });
    assert_eq!(report.unwrap().free().received, sent as u64);
    assert_eq!(out, sent);
}

#[test]
fn frames_of_another_format_come_back() {
    let mut encoder = encoder();
    for format in [
        Format { width: 64, ..YUV420P },
        Format { height: 64, ..YUV420P },
        Format { pixels: PixelFormat::Nv12, ..YUV420P },
    ] {
        let failed = encoder.send(picture(format, 3)).unwrap_err();
        assert_eq!(*failed.kind(), ErrorKind::WrongFormat, "{failed}");
        assert!(!failed.error().is_fatal());
        assert_eq!(failed.into_value().pts(), Some(3));
    }
    assert!(encoder.poisoned().is_none());
    drop(encode(&mut encoder, 0..2));
}

#[test]
fn h41_the_decoded_picture_type_does_not_reach_the_encoder() {
    // Every picture of the source is an I picture: the encoder's own GOP of 12 must stand.
    let intra = {
        let pool = FramePool::new(System, YUV420P).unwrap();
        let mut encoder = Encoder::new(&pool, CLOCK, mpeg4::Mpeg4::new()).gop_size(1).threads(1).open().unwrap();
        let packets = encode(&mut encoder, 0..24);
        assert!(packets.iter().all(Packet::is_keyframe));
        packets
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("intra.mkv");
    let mut output = avsluice::Muxer::create(&path).unwrap();
    let sample = encoder();
    let track = output.add(&sample).unwrap();
    let mut output = output.open().unwrap();
    for packet in intra {
        output.write(track, packet.trusted()).unwrap(); // of an encoder with the same parameter sets
    }
    output.finish().unwrap();

    let (mut file, video) = open(&path).unwrap();
    let mut frames = Decoder::new(System, &video).open().unwrap().frames(file.packets(&video));
    let pool = frames.pool().unwrap();
    let mut encoder =
        Encoder::new(&pool, video.time_base(), mpeg4::Mpeg4::new()).gop_size(12).threads(1).open().unwrap();
    let mut keys = Vec::new();
    for frame in &mut frames {
        for packet in encoder.send(frame.unwrap()).unwrap() {
            keys.push(packet.unwrap().is_keyframe());
        }
    }
    let expected: Vec<_> = (0..24).map(|number| number % 12 == 0).collect();
    assert_eq!(keys, expected);
}

#[test]
fn h48_a_clock_without_a_frame_rate_is_refused() {
    let pool = FramePool::new(System, YUV420P).unwrap();
    let failed = Encoder::new(&pool, TimeBase::hz(90_000), Named::new("libx264")).open().err().unwrap();
    assert_eq!(*failed.kind(), ErrorKind::InvalidSetting { name: "frame_rate".into() });
    drop(failed.into_value().frame_rate(25, 1).open().unwrap());
    // A stream's own rate is known, and travels with the pool.
    let (mut file, video) = open(media::standard().path).unwrap();
    let mut frames = Decoder::new(System, &video).open().unwrap().frames(file.packets(&video));
    let pool = frames.pool().unwrap();
    drop(Encoder::new(&pool, TimeBase::hz(90_000), Named::new("libx264")).open().unwrap());
}

#[test]
fn times_are_rescaled_from_the_streams_to_the_encoders() {
    let (mut file, video) = open(media::standard().path).unwrap();
    let mut frames = Decoder::new(System, &video).open().unwrap().frames(file.packets(&video));
    let pool = frames.pool().unwrap();
    let mut encoder = Encoder::new(&pool, TimeBase::hz(1000), mpeg4::Mpeg4::new()).threads(1).open().unwrap();
    let mut times = Vec::new();
    for frame in frames.by_ref().take(5) {
        for packet in encoder.send(frame.unwrap()).unwrap() {
            let packet = packet.unwrap();
            times.push((packet.pts(), packet.time_base()));
        }
    }
    let first = times[0].0.unwrap();
    let expected: Vec<_> = (0..5).map(|frame| (Some(first + frame * 40), Some(TimeBase::hz(1000)))).collect();
    assert_eq!(times, expected);
}

#[test]
fn a_drained_decoder_decodes_again_after_a_reset() {
    let stream = media::standard();
    let (mut file, video) = open(&stream.path).unwrap();
    let mut decoder = Decoder::new(System, &video).threads(1).open().unwrap();
    for _ in 0..2 {
        let mut count = 0;
        for packet in file.packets(&video) {
            // In the second round it is opened anew.
            count += decoder.send(packet.unwrap().trusted()).unwrap().map(Result::unwrap).count();
        }
        let mut flushing = decoder.flush().unwrap();
        while flushing.receive().unwrap().is_some() {
            count += 1;
        }
        assert_eq!(count, stream.frame_count);
        decoder = flushing.reset();
        (file, _) = open(&stream.path).unwrap();
    }
    let report = decoder.flush().unwrap().abandon().free();
    assert_eq!(report.received, 2 * stream.frame_count as u64);
}

#[test]
fn damaged_packets_are_counted_and_decoding_goes_on() {
    let stream = media::standard();
    let (mut file, video) = open(&stream.path).unwrap();
    let mut decoder = Decoder::new(System, &video).threads(1).open().unwrap();
    let mut good = 0;
    for (number, packet) in file.packets(&video).enumerate() {
        let packet = packet.unwrap();
        // A NAL unit of a slice whose header makes no sense, instead of every 50th packet.
        let packet =
            if number % 50 == 25 { Packet::new(&[0, 0, 0, 1, 0x65, 0xff, 0xff, 0xff]).unwrap() } else { packet };
        good += decoder.send(packet).unwrap().map(Result::unwrap).count();
    }
    assert!(decoder.damaged() > 0);
    let damaged = decoder.damaged();
    let report = decoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap().free();
    assert!(good > 200, "{good} frames");
    assert!(report.damaged >= damaged && !report.log.is_empty(), "{report:?}");
}

#[test]
fn planes_carry_their_pitch_and_are_bounded_by_their_buffers() {
    let format = Format { width: 101, height: 77, pixels: PixelFormat::Yuv420p };
    let mut frame = Frame::system(format).unwrap();
    let luma = frame.plane(0);
    assert_eq!((luma.row_bytes, luma.rows), (101, 77));
    assert!(luma.pitch >= 101);
    assert_eq!((luma.data.len(), luma.lines().len()), (77, 77));
    assert!(luma.lines().all(|line| line.len() == 101));
    assert!(luma.data.get(76).is_some() && luma.data.get(77).is_none());
    assert_eq!((frame.plane(2).row_bytes, frame.plane(2).rows), (51, 39));
    assert!(frame.plane(0).lines().flatten().all(|&byte| byte == 0), "new frames are zero");
    assert_eq!((frame.plane(3).rows, frame.plane(9).data.len()), (0, 0), "no such plane");
    assert!(frame.plane_mut(3).is_none());
    let shared = frame.try_clone().unwrap();
    assert!(frame.plane_mut(0).is_none(), "two references: writing would change the other's picture");
    drop(shared);
    assert!(frame.plane_mut(0).is_some());
}

#[test]
fn a_shared_frame_is_the_same_picture() {
    let frame = picture(YUV420P, 7);
    let other = frame.try_clone().unwrap();
    let first = |frame: &Frame<System>| frame.plane(0).data.get(0).unwrap().as_ptr();
    assert_eq!(first(&frame), first(&other));
    drop(frame);
    assert_eq!(other.pts(), Some(7));
    assert_eq!(support::bytes(&other), support::bytes(&picture(YUV420P, 7)));
}

#[test]
fn finish_within_ends_in_time() {
    let mut encoder = encoder();
    drop(encode(&mut encoder, 0..3));
    let flushing = encoder.flush().unwrap();
    let closed = flushing.finish_within(Duration::from_secs(3600), Limit::default(), |_| Ok(())).unwrap().unwrap();
    assert_eq!(closed.free().lost, 0);
}

#[test]
fn finish_within_hands_a_hanging_teardown_back() {
    let pool = FramePool::new(System, YUV420P).unwrap();
    let mut encoder = Encoder::new(&pool, CLOCK, mpeg4::Mpeg4::new()).max_b_frames(2).threads(1).open().unwrap();
    drop(encode(&mut encoder, 0..4));
    let (release, hang) = std::sync::mpsc::channel::<()>();
    let overdue = encoder
        .flush()
        .unwrap()
        .finish_within(Duration::from_millis(1), Limit::default(), move |_| {
            let _ = hang.recv();
            Ok(())
        })
        .err()
        .unwrap();
    assert!(matches!(overdue.error().kind(), ErrorKind::CloseTimedOut { .. }));
    drop(release);
    let closed = overdue.into_handle().join().unwrap().unwrap();
    assert_eq!(closed.free().lost, 0, "it went on, and ended");
}

#[test]
fn a_chosen_delay_is_waited_for() {
    let pool = FramePool::new(System, YUV420P).unwrap();
    let delay = Duration::from_millis(20);
    let teardown = Teardown { settle: Settle::Delay(delay) };
    let encoder = Encoder::new(&pool, CLOCK, mpeg4::Mpeg4::new()).teardown(teardown).open().unwrap();
    let report = encoder.flush().unwrap().abandon().free();
    assert!(report.settle >= delay, "{report:?}");
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    let pool = FramePool::new(System, YUV420P).unwrap();
    let refused = |encoder: Encoder<'_, System, avsluice::encode::Configured<Named>>| {
        encoder.open().err().unwrap().into_error().kind().clone()
    };
    let mpeg4 = || Named::new("mpeg4");
    let invalid = |name: &str| ErrorKind::InvalidSetting { name: name.into() };
    assert_eq!(refused(Encoder::new(&pool, TimeBase { num: 0, den: 25 }, mpeg4())), invalid("time_base"));
    assert_eq!(refused(Encoder::new(&pool, CLOCK, mpeg4()).bit_rate(0)), invalid("bit_rate"));
    assert_eq!(refused(Encoder::new(&pool, CLOCK, Named::new("no_such_codec"))), ErrorKind::Unsupported);
    assert_eq!(refused(Encoder::new(&pool, CLOCK, Named::new("nul\0byte"))), invalid("encoder"));
    let zero = FramePool::new(System, Format { width: 0, ..YUV420P }).unwrap_err();
    assert_eq!(*zero.kind(), invalid("size"));
}
