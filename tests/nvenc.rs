//! NVENC's hazards, on the SIMULATED NVIDIA driver.

mod support;

use avsluice::{
    Cuda, Decoder, Device, Encoder, ErrorKind, Failed, FramePool, Limit, Outcome, Result, System, cuda, nvenc,
};
use simgpu::{Config, Fault};
use std::sync::mpsc;
use support::codecs::{CUDA_ERROR_UNKNOWN, NV_ENC_ERR_GENERIC, UNDRAINED, fault, frame, nal_types, packets};
use support::{CLOCK, NV12, open, picture, simulated, simulated_allowing};

#[test]
fn h05_an_encoder_is_poisoned_by_a_hard_error() {
    simulated_allowing("h05_an_encoder_is_poisoned_by_a_hard_error", UNDRAINED, |driver| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let mut encoder = Encoder::new(&pool, CLOCK, nvenc::H264::new()).open().unwrap();
        driver.fail(fault("nvEncEncodePicture", 3, NV_ENC_ERR_GENERIC));
        let failed = (0..10).find_map(|number| match encoder.send(frame(&pool, number)) {
            Ok(ready) => ready.collect::<Result<Vec<_>>>().err().map(|error| (error, None)),
            Err(failed) => {
                let (error, frame) = failed.into_parts();
                Some((error, Some(frame.pts())))
            }
        });
        let (error, pts) = failed.expect("the third picture fails");
        assert!(error.is_fatal(), "{error}");
        assert_eq!(pts, Some(Some(2)), "the frame came back with its time");
        assert!(error.log().iter().any(|line| line.contains("EncodePicture failed")), "{:?}", error.log());

        let failed = encoder.send(frame(&pool, 3)).unwrap_err();
        assert_eq!(*failed.kind(), ErrorKind::Poisoned);
        assert!(std::error::Error::source(failed.error()).is_some(), "with the error that did it");
        assert_eq!(failed.into_value().pts(), Some(3));
        assert_eq!(*encoder.force_keyframe().unwrap_err().kind(), ErrorKind::Poisoned);
        assert!(encoder.poisoned().is_some());
        assert_eq!(*encoder.receive().unwrap_err().kind(), ErrorKind::Poisoned, "nothing more is asked of the codec");

        let calls = |name: &str| driver.ledger().calls.get(name).map_or(0, |calls| calls.total);
        let failed: Failed<Encoder<'_, Cuda, avsluice::encode::Closed>> = encoder.flush().err().unwrap();
        assert_eq!(*failed.kind(), ErrorKind::Poisoned);
        let report = failed.into_value().free();
        assert!(matches!(report.outcome, Outcome::Poisoned(_)), "{report}");
        assert_eq!((report.sent, report.received, report.lost), (2, report.received, 2 - report.received));
        assert!(calls("cuStreamSynchronize") > 0, "what the device had queued was waited for");
        drop(pool);
        device.close().unwrap();
    });
}

#[test]
fn h04_flush_with_no_frame() {
    simulated("h04_flush_with_no_frame", |driver| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let encoder = Encoder::new(&pool, CLOCK, nvenc::H264::new()).open().unwrap();
        let flushing = encoder.flush().unwrap();
        assert_eq!(driver.ledger().sessions[0].end_of_stream, 0, "no end of a stream that never began");
        let report = flushing.finish(Limit::default(), |_| Ok(())).unwrap().free();
        assert!(matches!(report.outcome, Outcome::Drained));
        assert_eq!((report.sent, report.received), (0, 0));
        drop(pool);
        device.close().unwrap();
        assert_eq!(driver.ledger().sessions[0].pictures_in, 0);
    });
}

#[test]
fn h07_a_failed_open_on_system_memory_frees_once() {
    simulated("h07_a_failed_open_on_system_memory_frees_once", |driver| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(System, NV12).unwrap();
        // The case itself is the bitstream buffer: with pictures of the host's, FFmpeg destroys what it has not made then, and twice.
        // Each buffer of an open may be the one that cannot be made.
        let mut count = 0;
        for function in ["nvEncOpenEncodeSessionEx", "nvEncInitializeEncoder", "nvEncCreateBitstreamBuffer"] {
            for nth in 1.. {
                driver.fail(fault(function, nth, NV_ENC_ERR_GENERIC));
                let opened = Encoder::new(&pool, CLOCK, nvenc::H264::new()).on(&device).open();
                driver.clear_faults();
                let Err(failed) = opened else { break };
                count += 1;
                assert!(failed.error().code() != 0, "{function}: {failed}");
                // A fresh context: what a failed open left is never used again.
                let mut encoder = failed.into_value().open().unwrap();
                let first: Vec<_> = encoder.send(picture(NV12, 0)).unwrap().collect();
                let mut total = first.into_iter().map(Result::unwrap).count();
                let sink = |_| {
                    total += 1;
                    Ok(())
                };
                drop(encoder.flush().unwrap().finish(Limit::default(), sink).unwrap());
                assert_eq!(total, 1, "{function}, {nth}");
            }
        }
        assert!(count >= 4, "{count} opens failed");
        assert_eq!(driver.ledger().calls.get("nvEncCreateInputBuffer").map_or(0, |calls| calls.total), 0, "uploaded");
        device.close().unwrap();
    });
}

#[test]
fn h16_the_session_limit_is_named() {
    simulated("h16_the_session_limit_is_named", |driver| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        for status in [10, 21] {
            driver.configure(Config { max_sessions: 1, session_limit_status: status, ..Default::default() });
            let first = Encoder::new(&pool, CLOCK, nvenc::H264::new()).open().unwrap();
            let failed = Encoder::new(&pool, CLOCK, nvenc::H264::new()).open().err().unwrap();
            assert_eq!(*failed.kind(), ErrorKind::SessionLimit, "status {status}: {failed}");
            drop(first.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap());
            let second = failed.into_value().open().unwrap();
            drop(second.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap());
        }
    });
}

#[test]
fn h17_an_old_driver_is_named_with_both_versions() {
    simulated("h17_an_old_driver_is_named_with_both_versions", |driver| {
        driver.configure(Config { nvenc_version: (8, 1), ..Default::default() });
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let failed = Encoder::new(&pool, CLOCK, nvenc::H264::new()).open().err().unwrap();
        match failed.kind() {
            ErrorKind::DriverTooOld { required, found } => {
                assert_eq!(found, "8.1");
                assert!(required.starts_with(['1', '9']), "{required}");
            }
            other => panic!("{other:?}: {failed}"),
        }
    });
}

#[test]
fn a_gpu_without_an_encoder_is_unsupported() {
    simulated("a_gpu_without_an_encoder_is_unsupported", |driver| {
        driver.configure(Config { nvenc_engine: false, ..Default::default() });
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let failed = Encoder::new(&pool, CLOCK, nvenc::H264::new()).open().err().unwrap();
        assert_eq!(*failed.kind(), ErrorKind::Unsupported, "{failed}");
        assert!(failed.to_string().contains("NVENC"), "{failed}");
    });
}

#[test]
fn h21_a_forced_keyframe_is_an_idr_picture() {
    simulated("h21_a_forced_keyframe_is_an_idr_picture", |driver| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let mut encoder = Encoder::new(&pool, CLOCK, nvenc::H264::new()).gop_size(100).max_b_frames(0).open().unwrap();
        let mut all = Vec::new();
        for number in 0..10 {
            if number == 6 {
                encoder.force_keyframe().unwrap();
            }
            all.extend(packets(&mut encoder, frame(&pool, number)));
        }
        let flushing = encoder.flush().unwrap();
        drop(flushing.finish(Limit::default(), |packet| {
            all.push(packet);
            Ok(())
        }));
        let idr: Vec<_> = all.iter().map(|packet| nal_types(packet).contains(&5)).collect();
        let expected: Vec<_> = (0..10).map(|number| number == 0 || number == 6).collect();
        assert_eq!(idr, expected);
        assert!(nal_types(&all[6]).contains(&7), "and decodable from there: it carries the parameter sets");
        assert!(!nal_types(&all[5]).contains(&7));
        assert_eq!(driver.ledger().sessions[0].forced_idr, 1);
    });
}

#[test]
fn h51_a_new_bit_rate_is_taken_or_the_error_is_told() {
    simulated("h51_a_new_bit_rate_is_taken_or_the_error_is_told", |driver| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let configured = || Encoder::new(&pool, CLOCK, nvenc::H264::new()).max_b_frames(0).bit_rate(1_000_000);
        let mut encoder = configured().open().unwrap();
        drop(packets(&mut encoder, frame(&pool, 0)));
        assert_eq!(driver.ledger().sessions[0].bit_rate, 1_000_000);
        encoder.set_bit_rate(2_000_000).unwrap();
        drop(packets(&mut encoder, frame(&pool, 1)));
        assert_eq!(driver.ledger().sessions[0].bit_rate, 2_000_000);
        assert_eq!(driver.ledger().sessions[0].reconfigured, 1);

        driver.fail(fault("nvEncReconfigureEncoder", 1, NV_ENC_ERR_GENERIC));
        encoder.set_bit_rate(3_000_000).unwrap();
        let ready: Vec<_> = encoder.send(frame(&pool, 2)).unwrap().collect();
        let errors: Vec<_> = ready.iter().filter_map(|item| item.as_ref().err()).collect();
        assert_eq!(errors.len(), 1, "{ready:?}");
        assert!(!errors[0].is_fatal() && errors[0].to_string().contains("bit rate"), "{}", errors[0]);
        drop(packets(&mut encoder, frame(&pool, 3)));
        assert_eq!(driver.ledger().sessions[0].bit_rate, 2_000_000, "the old rate stands");
        encoder.set_bit_rate(3_000_000).unwrap();
        drop(packets(&mut encoder, frame(&pool, 4)));
        assert_eq!(driver.ledger().sessions[0].bit_rate, 3_000_000, "FFmpeg does not take the new rate for set");
        let report = encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap().free();
        assert_eq!(report.lost, 0);

        let constant = nvenc::H264::new().rc(nvenc::RateControl::ConstQp);
        let mut encoder = Encoder::new(&pool, CLOCK, constant).open().unwrap();
        assert_eq!(*encoder.set_bit_rate(1_000_000).unwrap_err().kind(), ErrorKind::Unsupported);
        drop(encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap());
    });
}

#[test]
fn h27_a_failed_transfer_is_an_error() {
    simulated("h27_a_failed_transfer_is_an_error", |driver| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let good = frame(&pool, 0);
        driver.fail(fault("cuMemcpy2DAsync_v2", 1, CUDA_ERROR_UNKNOWN));
        let error = picture(NV12, 1).upload(&pool).unwrap_err();
        assert_eq!(error.operation(), "av_hwframe_transfer_data", "{error}");
        driver.fail(fault("cuMemcpy2DAsync_v2", 2, CUDA_ERROR_UNKNOWN));
        assert!(good.download().is_err());
        drop(good.download().unwrap());
    });
}

#[test]
fn h15_a_device_without_memory_left_is_named() {
    simulated("h15_a_device_without_memory_left_is_named", |driver| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        driver.fail(Fault { sticky: true, ..fault("cuMemAlloc_v2", 1, 2) });
        driver.fail(Fault { sticky: true, ..fault("cuMemAllocPitch_v2", 1, 2) });
        let error = pool.frame().unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::PoolExhausted, "{error}");
        driver.clear_faults();
        drop(pool.frame().unwrap());
    });
}

#[test]
fn h30_h46_frames_of_many_pools_stay_registered_in_peace() {
    simulated("h30_h46_frames_of_many_pools_stay_registered_in_peace", |_| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let mut encoder = Encoder::new(&pool, CLOCK, nvenc::H264::new()).open().unwrap();
        drop(pool);
        for number in 0..6 {
            // A pool for each frame, whose memory the encoder has registered when the pool's last handle goes.
            let other = FramePool::new(&device, NV12).unwrap();
            drop(packets(&mut encoder, frame(&other, number)));
        }
        let report = encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap().free();
        assert_eq!(report.received, 6);
        device.close().unwrap();
    });
}

#[test]
fn h45_the_decoder_may_go_before_the_encoder() {
    simulated("h45_the_decoder_may_go_before_the_encoder", |_| {
        let device = Device::cuda(0).unwrap();
        let (mut file, video) = open(media::standard().path).unwrap();
        let mut frames = Decoder::new(&device, &video).open().unwrap().frames(file.packets(&video));
        let pool = frames.pool().unwrap();
        let mut encoder = Encoder::new(&pool, video.time_base(), nvenc::H264::new()).open().unwrap();
        for frame in frames.by_ref().take(20) {
            drop(encoder.send(frame.unwrap()).unwrap().collect::<Result<Vec<_>>>().unwrap());
        }
        drop(pool);
        drop(frames); // 5.1 gives out the decoder's own surfaces: the encoder would still have them registered
        let report = encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap().free();
        assert_eq!(report.received, 20);
        device.close().unwrap();
    });
}

/// A picture of the application's own, which goes back to its ring.
struct Rendered<'d> {
    planes: Vec<(cuda::Pointer, usize)>,
    back: mpsc::Sender<Vec<(cuda::Pointer, usize)>>,
    memory: std::marker::PhantomData<&'d ()>,
}
// SAFETY: the planes are of frames that the test keeps until the encoder is gone.
unsafe impl cuda::Picture for Rendered<'static> {
    fn planes(&self) -> &[(cuda::Pointer, usize)] {
        &self.planes
    }
}
impl Drop for Rendered<'_> {
    fn drop(&mut self) {
        let _ = self.back.send(std::mem::take(&mut self.planes));
    }
}

#[test]
fn h26_imported_pictures_come_back_and_more_than_64_can_be_used() {
    simulated("h26_imported_pictures_come_back_and_more_than_64_can_be_used", |driver| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let (back, ring) = mpsc::channel();
        let memory: Vec<_> = (0..70).map(|number| frame(&pool, number)).collect();
        let mut encoder = Encoder::new(&pool, CLOCK, nvenc::H264::new()).open().unwrap();
        let copied = driver.ledger().bytes;
        for (number, frame) in memory.iter().enumerate() {
            let planes = (0..2).map(|index| (frame.plane(index).data, frame.plane(index).pitch)).collect();
            let picture = Rendered { planes, back: back.clone(), memory: std::marker::PhantomData };
            let mut imported = pool.import(picture).unwrap();
            imported.set_pts(number as i64);
            drop(packets(&mut encoder, imported));
        }
        let report = encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap().free();
        assert_eq!(report.received, 70);
        assert_eq!(ring.try_iter().count(), 70, "each went back to its owner");
        assert_eq!(driver.ledger().bytes.host_to_device, copied.host_to_device);
        assert_eq!(driver.ledger().bytes.device_to_device, copied.device_to_device, "without a copy");

        let sheared = Rendered { planes: vec![(4096, 160), (8192, 160)], back, memory: std::marker::PhantomData };
        let failed = pool.import(sheared).unwrap_err();
        assert_eq!(*failed.kind(), ErrorKind::WrongFormat, "{failed}");
        assert_eq!(failed.into_value().planes.len(), 2, "the picture comes back");
    });
}

#[test]
fn h25_a_failed_open_can_be_tried_again_with_the_same_options() {
    simulated("h25_a_failed_open_can_be_tried_again_with_the_same_options", |driver| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        driver.fail(fault("nvEncOpenEncodeSessionEx", 1, NV_ENC_ERR_GENERIC));
        let configured = Encoder::new(&pool, CLOCK, nvenc::H264::new()).bit_rate(7_000_000);
        let encoder = configured.open().err().unwrap().into_value().open().unwrap();
        assert_eq!(driver.ledger().sessions.last().unwrap().bit_rate, 7_000_000, "the options were not lost");
        drop(encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap());
    });
}

#[test]
fn h14_the_low_latency_preset_holds_no_frame() {
    simulated("h14_the_low_latency_preset_holds_no_frame", |_| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let mut encoder = Encoder::new(&pool, CLOCK, nvenc::H264::low_latency()).open().unwrap();
        for number in 0..10 {
            assert_eq!(packets(&mut encoder, frame(&pool, number)).len(), 1, "frame {number} is out at once");
            assert_eq!(encoder.in_flight(), 0);
        }
        drop(encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap());
    });
}

#[test]
fn h01_dropping_with_frames_inside_is_safe_and_told() {
    simulated_allowing("h01_dropping_with_frames_inside_is_safe_and_told", UNDRAINED, |driver| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let mut encoder = Encoder::new(&pool, CLOCK, nvenc::H264::new()).max_b_frames(2).open().unwrap();
        for number in 0..5 {
            drop(packets(&mut encoder, frame(&pool, number)));
        }
        assert!(encoder.in_flight() > 0);
        drop(encoder);
        drop(pool);
        assert_eq!(device.references(), 0);
        device.close().unwrap();
        assert!(driver.ledger().violations.iter().any(|line| line.contains(UNDRAINED[0])), "the driver saw it");
    });
}

#[test]
fn h22_imported_pictures_must_be_laid_out_as_the_pool_says() {
    simulated("h22_imported_pictures_must_be_laid_out_as_the_pool_says", |_| {
        let device = Device::cuda(0).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let (base, rows) = (1 << 20, 96);
        for (wrong, planes) in [
            ("a plane is missing", vec![(base, 256)]),
            ("there is a plane too many", vec![(base, 256), (base + 256 * rows, 256), (base + 512 * rows, 256)]),
            ("the pitches differ", vec![(base, 256), (base + 256 * rows, 512)]),
            ("a row is longer than the pitch", vec![(base, 128), (base + 128 * rows, 128)]),
            ("the planes do not follow each other", vec![(base, 256), (base + 256 * rows + 64, 256)]),
            ("null", vec![(0, 256), (256 * rows, 256)]),
        ] {
            let picture = Rendered { planes, back: mpsc::channel().0, memory: std::marker::PhantomData };
            let error = pool.import(picture).map(drop).expect_err(wrong).into_error();
            assert_eq!(*error.kind(), ErrorKind::WrongFormat, "{wrong}: {error}");
        }
    });
}
