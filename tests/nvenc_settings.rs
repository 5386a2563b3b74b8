//! NVENC's settings, clocks and pictures at their edges, on the SIMULATED NVIDIA driver.

mod support;

use avsluice::{
    Device, Encoder, ErrorKind, Format, FramePool, Limit, Muxer, Outcome, Settle, Teardown, TimeBase, nvenc,
};
use support::codecs::{NV_ENC_ERR_GENERIC, UNDRAINED, fault, frame, nal_types, packets};
use support::{CLOCK, NV12, picture, simulated, simulated_allowing};

#[test]
fn a_frame_of_another_size_comes_back_for_a_new_encoder() {
    simulated("a_frame_of_another_size_comes_back_for_a_new_encoder", |_| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let mut encoder = Encoder::new(&pool, CLOCK, nvenc::H264::new()).open().unwrap();
        drop(packets(&mut encoder, frame(&pool, 0)));
        let large = Format { width: 320, height: 240, ..NV12 };
        let other = FramePool::new(&device, large).unwrap();
        let failed = encoder.send(picture(large, 1).upload(&other).unwrap()).unwrap_err();
        assert_eq!(*failed.kind(), ErrorKind::WrongFormat);
        let frame = failed.into_value();
        let mut fresh = Encoder::new(&frame.pool(), CLOCK, nvenc::H264::new()).open().unwrap();
        drop(encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap());
        drop(packets(&mut fresh, frame));
        drop(fresh.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap());
    });
}

#[test]
fn a_test_that_hangs_is_killed_and_told() {
    let (short, long) = (std::time::Duration::from_millis(300), std::time::Duration::from_secs(3600));
    let run = |script: &str, idle, cpu| {
        let ran = support::run_watched(std::process::Command::new("sh").args(["-c", script]), idle, cpu);
        (ran.hung.unwrap_or_default(), String::from_utf8(ran.output.stdout).unwrap())
    };
    let silent = run("echo begun; sleep 3600 & sleep 3600", short, long);
    assert_eq!(silent, ("silent and idle for 0.3 s".into(), "begun\n".into()));
    let (why, _) = run("while :; do :; done", long, short);
    assert!(why.starts_with("computed for 0."), "{why}");
    // A word now and then, in all for longer than the limit.
    let (idle, script) = (std::time::Duration::from_secs(3), "for i in 1 2 3 4 5 6 7 8; do echo; sleep 0.5; done");
    assert_eq!(run(script, idle, long).0, "");
}

/// An error that comes while the encoder is drained: it is not asked again.
#[test]
fn h05_an_encoder_that_fails_in_the_drain_is_asked_no_more() {
    let name = "h05_an_encoder_that_fails_in_the_drain_is_asked_no_more";
    simulated_allowing(name, UNDRAINED, |driver| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let options = nvenc::H264::new().surfaces(16).delay(8);
        let mut encoder = Encoder::new(&pool, CLOCK, options).max_b_frames(0).open().unwrap();
        for number in 0..4 {
            assert!(packets(&mut encoder, frame(&pool, number)).is_empty(), "all four wait");
        }
        driver.fail(fault("nvEncLockBitstream", 2, NV_ENC_ERR_GENERIC));
        let (error, mut encoder) =
            encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).err().unwrap().into_parts();
        assert!(error.is_fatal(), "{error}");
        let locks = || driver.ledger().calls.get("nvEncLockBitstream").map_or(0, |calls| calls.total);
        let before = locks();
        assert_eq!(*encoder.receive().unwrap_err().kind(), ErrorKind::Poisoned);
        let (error, encoder) = encoder.finish(Limit::default(), |_| Ok(())).err().unwrap().into_parts();
        assert_eq!((error.kind(), locks()), (&ErrorKind::Poisoned, before));
        let report = encoder.abandon().free();
        assert!(matches!(report.outcome, Outcome::Poisoned(_)), "{report}");
        assert_eq!((report.sent, report.received, report.lost), (4, 1, 3));
        drop(pool);
        device.close().unwrap();
    });
}

/// What stands is what the driver took last, not what was asked for in between.
#[test]
fn h51_a_refused_bit_rate_leaves_the_rates_that_stood() {
    simulated("h51_a_refused_bit_rate_leaves_the_rates_that_stood", |driver| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let configured = Encoder::new(&pool, CLOCK, nvenc::H264::new()).max_b_frames(0);
        let mut encoder = configured.bit_rate(1_000_000).max_bit_rate(2_000_000).open().unwrap();
        drop(packets(&mut encoder, frame(&pool, 0)));
        for rate in [0, 1 << 32] {
            let error = encoder.set_bit_rate(rate).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::InvalidSetting { name } if name == "bit_rate"), "{error}");
        }
        encoder.set_bit_rate(3_000_000).unwrap();
        encoder.set_bit_rate(4_000_000).unwrap();
        driver.fail(fault("nvEncReconfigureEncoder", 1, NV_ENC_ERR_GENERIC));
        let errors = encoder.send(frame(&pool, 1)).unwrap().filter(|packet| packet.is_err()).count();
        assert_eq!(errors, 1);
        drop(packets(&mut encoder, frame(&pool, 2)));
        assert_eq!(driver.ledger().sessions[0].bit_rate, 1_000_000);
        drop(encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap());
    });
}

#[test]
fn the_device_is_waited_for_where_the_drain_was_not_complete() {
    let name = "the_device_is_waited_for_where_the_drain_was_not_complete";
    simulated_allowing(name, UNDRAINED, |driver| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let waits = || driver.ledger().calls.get("cuStreamSynchronize").map_or(0, |calls| calls.total);
        let waited = |settle: Settle, drained: bool| {
            let encoder = Encoder::new(&pool, CLOCK, nvenc::H264::new()).max_b_frames(2);
            let mut encoder = encoder.teardown(Teardown { settle }).open().unwrap();
            drop(packets(&mut encoder, frame(&pool, 0)));
            let flushing = encoder.flush().unwrap();
            let before = waits();
            match drained {
                true => drop(flushing.finish(Limit::default(), |_| Ok(())).unwrap()),
                false => drop(flushing.abandon()),
            }
            waits() - before
        };
        assert_eq!(waited(Settle::Synchronize, true), 0, "the hardware owes nothing");
        assert_eq!(waited(Settle::Synchronize, false), 1);
        assert_eq!(waited(Settle::None, false), 0);
        drop(pool);
        device.close().unwrap();
    });
}

#[test]
fn h47_keyframes_carry_their_parameter_sets_unless_the_container_does() {
    simulated("h47_keyframes_carry_their_parameter_sets_unless_the_container_does", |_| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let dir = tempfile::tempdir().unwrap();
        for container in [None, Some("mp4"), Some("ts")] {
            let mut encoder =
                Encoder::new(&pool, CLOCK, nvenc::H264::new()).gop_size(5).max_b_frames(0).open().unwrap();
            if let Some(extension) = container {
                Muxer::create(dir.path().join(format!("out.{extension}"))).unwrap().add(&encoder).unwrap();
            }
            let mut all: Vec<_> = (0..10).flat_map(|number| packets(&mut encoder, frame(&pool, number))).collect();
            let sink = |packet| {
                all.push(packet);
                Ok(())
            };
            drop(encoder.flush().unwrap().finish(Limit::default(), sink).unwrap());
            assert_eq!(all.iter().filter(|packet| packet.is_keyframe()).count(), 2);
            for packet in all {
                let (kinds, due) = (nal_types(&packet), packet.is_keyframe() && container != Some("mp4"));
                let of = |kind| kinds.iter().filter(|&&own| own == kind).count();
                assert_eq!((of(7), of(8)), (due.into(), due.into()), "{container:?}: {kinds:?}");
            }
        }
        drop(pool);
        device.close().unwrap();
    });
}

#[test]
fn h48_the_frame_rate_reaches_the_encoder_whatever_the_clock() {
    simulated("h48_the_frame_rate_reaches_the_encoder_whatever_the_clock", |_| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let headers = |clock: TimeBase| {
            let encoder = Encoder::new(&pool, clock, nvenc::H264::new()).frame_rate(25, 1).max_b_frames(0);
            let mut encoder = encoder.open().unwrap();
            let mut all = packets(&mut encoder, frame(&pool, 0));
            let sink = |packet| {
                all.push(packet);
                Ok(())
            };
            drop(encoder.flush().unwrap().finish(Limit::default(), sink).unwrap());
            all[0].data()[..24].to_vec()
        };
        // The SPS comes first, with the level and the rate that the driver was told.
        assert_eq!(headers(TimeBase::hz(90_000)), headers(TimeBase::hz(25)));
        drop(pool);
        device.close().unwrap();
    });
}

#[test]
fn a_picture_smaller_than_its_pool_is_of_another_format() {
    simulated("a_picture_smaller_than_its_pool_is_of_another_format", |_| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let mut encoder = Encoder::new(&pool, CLOCK, nvenc::H264::new()).open().unwrap();
        drop(packets(&mut encoder, frame(&pool, 0)));
        let small = Format { width: 152, height: 88, ..NV12 };
        let inside = picture(small, 1).upload(&pool).unwrap();
        assert_eq!(*encoder.send(inside).unwrap_err().kind(), ErrorKind::WrongFormat, "the same pool, another size");
        for format in [Format { width: 176, ..NV12 }, Format { height: 112, ..NV12 }, support::YUV420P] {
            let error = picture(format, 1).upload(&pool).unwrap_err();
            assert_eq!((error.kind(), error.operation()), (&ErrorKind::WrongFormat, "upload"), "{error}");
        }
        drop(encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap());
    });
}
