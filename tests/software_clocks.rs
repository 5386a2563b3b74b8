//! Times, references and reports on software codecs. Also run under Valgrind and AddressSanitizer.

mod support;

use avsluice::{
    Decoder, Encoder, ErrorKind, Format, Frame, FramePool, Limit, Named, Outcome, Packet, Result, System, TimeBase,
    mpeg4,
};
use support::codecs::{encode, encoder};
use support::{CLOCK, YUV420P, isolated_in_used_memory, open};

#[test]
fn a_frame_that_comes_back_from_a_full_encoder_has_its_own_times() {
    let (mut file, video) = open(media::standard().path).unwrap();
    let mut frames = Decoder::new(System, &video).threads(1).open().unwrap().frames(file.packets(&video));
    let pool = frames.pool().unwrap();
    let mut encoder = Encoder::new(&pool, TimeBase::hz(1000), mpeg4::Mpeg4::new()).threads(1).open().unwrap();
    let full = frames.by_ref().map(Result::unwrap).find_map(|frame| {
        let before = (frame.pts(), frame.duration(), frame.time_base());
        let failed = encoder.send(frame).map(drop).err()?;
        Some((before, failed))
    });
    let (before, failed) = full.expect("an encoder whose packets are left inside is full some time");
    assert_eq!(*failed.kind(), ErrorKind::Full);
    let frame = failed.into_value();
    assert!(before.1 > 0 && before.2 == Some(video.time_base()), "{before:?}");
    assert_eq!((frame.pts(), frame.duration(), frame.time_base()), before, "not in the encoder's clock");
}

#[test]
fn a_frames_own_duration_is_rescaled_to_the_encoders_clock() {
    let (mut file, video) = open(media::standard().path).unwrap();
    let mut frames = Decoder::new(System, &video).threads(1).open().unwrap().frames(file.packets(&video));
    let pool = frames.pool().unwrap();
    // FFmpeg's encoders without a delay take the frame's duration for the packet's.
    let mut encoder = Encoder::new(&pool, TimeBase::hz(1000), Named::new("rawvideo")).threads(1).open().unwrap();
    let frame = frames.next().unwrap().unwrap();
    assert_eq!(video.time_base().seconds(frame.duration()), 0.04);
    let packet = encoder.send(frame).unwrap().next().unwrap().unwrap();
    assert_eq!(packet.duration(), 40);
}

#[test]
fn new_frames_show_nothing_of_what_was_in_their_memory() {
    for format in [Format { width: 32, height: 16, ..YUV420P }, Format { width: 101, height: 77, ..YUV420P }, YUV420P] {
        for _ in 0..8 {
            let mut frame = Frame::system(format).unwrap();
            for index in 0..3 {
                assert!(frame.plane(index).lines().flatten().all(|&byte| byte == 0), "{format:?}, plane {index}");
                frame.plane_mut(index).unwrap().lines_mut().for_each(|line| line.fill(0xa5));
            }
        }
    }
}

/// libx265 3.5 gives the packets of one or two frames decoding times that nobody has set.
#[test]
fn decoding_times_are_set_however_few_frames_there_are() {
    isolated_in_used_memory("decoding_times_are_set_however_few_frames_there_are", || {
        let pool = FramePool::new(System, YUV420P).unwrap();
        for (name, frames) in
            ["libx265", "libx264", "mpeg4"].into_iter().flat_map(|name| [1, 2, 3, 7].map(|n| (name, n)))
        {
            for has_times in [true, false] {
                let Ok(mut encoder) = Encoder::new(&pool, TimeBase::hz(100), Named::new(name)).frame_rate(25, 1).open()
                else {
                    continue; // this FFmpeg has no such encoder
                };
                let mut times = Vec::new();
                for number in 0..frames {
                    let mut frame = pool.frame().unwrap();
                    if has_times {
                        frame.set_pts(number * 4);
                    }
                    times
                        .extend(encoder.send(frame).unwrap().map(|packet| packet.map(|p| (p.dts(), p.pts())).unwrap()));
                }
                let closed = encoder.flush().unwrap().finish(Limit::default(), |packet| {
                    times.push((packet.dts(), packet.pts()));
                    Ok(())
                });
                drop(closed.unwrap().free());
                assert_eq!(times.len(), frames as usize);
                if !has_times {
                    // None, or one that is worked out: never what the encoder's memory held.
                    let near = |dts: i64| (-100..=100).contains(&dts);
                    assert!(times.iter().all(|(dts, _)| dts.is_none_or(near)), "{name}: {times:?}");
                    continue;
                }
                assert!(times.iter().all(|(dts, pts)| dts <= pts && *dts >= Some(-100)), "{name}: {times:?}");
                assert!(times.windows(2).all(|pair| pair[0].0 < pair[1].0), "{name}: {times:?}");
            }
        }
    });
}

#[test]
fn shared_frames_and_packets_count_in_the_same_clock() {
    let (mut file, video) = open(media::standard().path).unwrap();
    let packet = file.read().unwrap().unwrap();
    let copy = packet.try_clone().unwrap();
    assert_eq!((copy.time_base(), copy.data()), (Some(video.time_base()), packet.data()));
    let mut frames = Decoder::new(System, &video).open().unwrap().frames(file.packets(&video));
    let frame = frames.next().unwrap().unwrap();
    assert_eq!(frame.try_clone().unwrap().time_base(), Some(video.time_base()));
}

#[test]
fn h49_a_reset_leaves_nothing_of_what_was_before() {
    let (mut file, video) = open(media::standard().path).unwrap();
    let packets: Vec<_> = file.packets(&video).map(Result::unwrap).collect();
    let mut decoder = Decoder::new(System, &video).threads(1).open().unwrap();
    let fill = |decoder: &mut Decoder<'static, System>| {
        let mut sent = packets.iter().map(|packet| packet.try_clone().unwrap());
        while sent.next().is_some_and(|packet| decoder.send(packet).map(drop).is_ok()) {}
    };
    let mut firsts = Vec::new();
    for _ in 0..2 {
        fill(&mut decoder);
        let mut flushing = decoder.flush().unwrap();
        firsts.push(flushing.receive().unwrap().unwrap().pts());
        while flushing.receive().unwrap().is_some() {}
        decoder = flushing.reset();
    }
    assert_eq!(firsts[0], firsts[1], "the times begin anew");
    // It is full: the flush takes a frame out to make room for itself, which is nobody's any more.
    fill(&mut decoder);
    decoder = decoder.flush().unwrap().reset();
    assert!(decoder.receive().unwrap().is_none(), "a frame from before the reset");
    drop(decoder.send(packets[0].try_clone().unwrap()).unwrap());
    let report = decoder.flush().unwrap().abandon().free();
    let abandoned = matches!(report.outcome, Outcome::Abandoned { .. });
    assert!(abandoned, "the end of an earlier drain is not this one's: {report}");
}

#[test]
fn what_ffmpeg_logs_of_damage_that_it_conceals_is_in_the_report() {
    let (mut file, video) = open(media::standard().path).unwrap();
    let mut decoder = Decoder::new(System, &video).threads(1).open().unwrap();
    let mut frames = 0;
    for (number, packet) in file.packets(&video).map(Result::unwrap).enumerate().take(40) {
        let mut bytes = packet.data().to_vec();
        if number == 20 {
            let middle = bytes.len() / 2;
            bytes[middle..].iter_mut().for_each(|byte| *byte ^= 0x55);
        }
        frames += decoder.send(Packet::new(&bytes).unwrap()).unwrap().map(Result::unwrap).count();
    }
    let report = decoder
        .flush()
        .unwrap()
        .finish(Limit::default(), |_| {
            frames += 1;
            Ok(())
        })
        .unwrap()
        .free();
    assert_eq!((frames, report.damaged), (40, 0), "{report}");
    assert!(report.log.iter().any(|line| line.contains("h264") && line.contains("error")), "{:?}", report.log);
}

#[test]
fn a_bit_rate_of_nothing_is_refused_while_open() {
    let pool = FramePool::new(System, YUV420P).unwrap();
    let options = avsluice::x264::H264::new();
    let mut encoder = Encoder::new(&pool, CLOCK, options).bit_rate(400_000).threads(1).open().unwrap();
    assert_eq!(*encoder.set_bit_rate(0).unwrap_err().kind(), ErrorKind::InvalidSetting { name: "bit_rate".into() });
    assert!(encoder.poisoned().is_none());
}

thread_local! {
    /// Warnings of avsluice's own, logged on this thread.
    static WARNINGS: std::cell::RefCell<Vec<String>> = const { std::cell::RefCell::new(Vec::new()) };
}
struct Logger;
impl log::Log for Logger {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() == log::Level::Warn
    }
    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            WARNINGS.with_borrow_mut(|lines| lines.push(record.args().to_string()));
        }
    }
    fn flush(&self) {}
}

#[test]
fn h12_frames_lost_by_dropping_an_encoder_are_logged() {
    log::set_logger(&Logger).unwrap();
    log::set_max_level(log::LevelFilter::Warn);
    let said = || {
        let lines = WARNINGS.take();
        lines.into_iter().filter(|line| line.contains("dropped without a flush")).collect::<Vec<_>>()
    };
    drop(encoder());
    assert_eq!(said(), [""; 0], "nothing was sent");
    let mut whole = encoder();
    drop(encode(&mut whole, 0..3));
    drop(whole.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap());
    assert_eq!(said(), [""; 0], "nothing was lost");
    let pool = FramePool::new(System, YUV420P).unwrap();
    let mut lost = Encoder::new(&pool, CLOCK, mpeg4::Mpeg4::new()).max_b_frames(2).threads(1).open().unwrap();
    let out = encode(&mut lost, 0..4).len();
    drop(lost);
    let line = format!("mpeg4 dropped without a flush: {} of 4 sent never came out", 4 - out);
    assert!(matches!(said().as_slice(), [only] if only.contains(&line)), "{line}");
}
