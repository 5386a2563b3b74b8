//! Defects of FFmpeg's vaapi encoders, on the SIMULATED VA-API driver: a loop in C meets each, avsluice does not.

mod support;

use avsluice::{Device, Encoder, ErrorKind, FramePool, Limit, Outcome, vaapi};
use std::{os::unix::process::ExitStatusExt as _, process::Output};
use support::{CLOCK, NV12, codecs::fault, defect, leaked_by_encoders, picture};

const SIGABRT: i32 = 6;
const SIGSEGV: i32 = 11;
const VA_STATUS_ERROR_OPERATION_FAILED: u32 = 1;

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn h04_a_drain_with_no_frame_sent() {
    defect(
        "h04_a_drain_with_no_frame_sent",
        &[],
        || println!("{:?}", c_loop::vaapi(simgpu::va::NODE, 0, 2)),
        |output| assert_eq!(output.status.signal(), Some(SIGSEGV), "{}: {}", output.status, text(&output)),
        |driver| {
            let device = Device::vaapi(simgpu::va::NODE).unwrap();
            let pool = FramePool::new(&device, NV12).unwrap();
            let encoder = Encoder::new(&pool, CLOCK, vaapi::H264::new()).max_b_frames(2).open().unwrap();
            let report = encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap().free();
            assert_eq!((report.sent, report.received), (0, 0));
            assert!(matches!(report.outcome, Outcome::Drained), "{report}");
            drop(pool);
            device.close().unwrap();
            assert!(driver.ledger().calls.contains_key("vaCreateContext"), "the encoder was there");
        },
    );
}

/// Which call fails in the third picture: FFmpeg gives up there with the picture in its list.
fn a_drain_after_an_error(test: &str, function: &str, nth: u64) {
    let faults = [fault(function, nth, VA_STATUS_ERROR_OPERATION_FAILED)];
    defect(
        test,
        &faults,
        || println!("{:?}", c_loop::vaapi(simgpu::va::NODE, 6, 0)),
        |output| {
            assert_eq!(output.status.signal(), Some(SIGABRT), "{}: {}", output.status, text(&output));
            assert!(text(&output).contains("Assertion"), "{}", text(&output));
        },
        |_| {
            let device = Device::vaapi(simgpu::va::NODE).unwrap();
            let pool = FramePool::new(&device, NV12).unwrap();
            let mut encoder = Encoder::new(&pool, CLOCK, vaapi::H264::new()).max_b_frames(0).open().unwrap();
            let mut errors = 0;
            for number in 0..6 {
                let sent = encoder.send(picture(NV12, number).upload(&pool).unwrap());
                let sent = sent
                    .map_err(avsluice::Failed::into_error)
                    .and_then(|mut ready| ready.try_for_each(|p| p.map(drop)));
                let Err(error) = sent else { continue };
                assert!(error.is_fatal(), "{error}");
                assert!(errors == 0 || *error.kind() == ErrorKind::Poisoned, "{error}");
                errors += 1;
            }
            assert!(errors > 1, "it is poisoned from the failure on");
            let (error, closed) = match encoder.flush() {
                Ok(_) => panic!("a poisoned encoder is not drained"),
                Err(failed) => failed.into_parts(),
            };
            assert_eq!(*error.kind(), ErrorKind::Poisoned);
            let report = closed.free();
            assert!(report.lost > 0, "what was inside is lost, and said to be: {report}");
        },
    );
}

#[test]
fn h05_a_drain_after_a_failed_picture() {
    a_drain_after_an_error("h05_a_drain_after_a_failed_picture", "vaEndPicture", 3);
}

#[test]
fn h05_a_drain_after_a_picture_that_did_not_begin() {
    a_drain_after_an_error("h05_a_drain_after_a_picture_that_did_not_begin", "vaBeginPicture", 3);
}

#[test]
fn h06_references_that_an_encoder_leaks_are_reported() {
    defect(
        "h06_references_that_an_encoder_leaks_are_reported",
        &[],
        || {
            let (packets, references) = c_loop::vaapi(simgpu::va::NODE, 6, 0).unwrap();
            println!("packets={packets} references={references}");
        },
        |output| {
            let leaks = if leaked_by_encoders().is_empty() { "references=1" } else { "references=2" };
            assert!(text(&output).contains("packets=6") && text(&output).contains(leaks), "{}", text(&output));
        },
        |_| {
            let device = Device::vaapi(simgpu::va::NODE).unwrap();
            let pool = FramePool::new(&device, NV12).unwrap();
            let mut encoder = Encoder::new(&pool, CLOCK, vaapi::H264::new()).open().unwrap();
            drop(encoder.send(picture(NV12, 0).upload(&pool).unwrap()).unwrap());
            drop(encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap());
            drop(pool);
            match device.close() {
                Ok(()) => assert!(leaked_by_encoders().is_empty(), "a leak was not noticed"),
                Err(failed) => {
                    assert!(!leaked_by_encoders().is_empty(), "{failed}");
                    assert!(matches!(failed.kind(), ErrorKind::InUse { references } if *references > 0), "{failed}");
                    assert!(failed.to_string().contains("FFmpeg 7.1"), "it says whose they are: {failed}");
                }
            }
        },
    );
}

/// A device with room for so many bytes more: FFmpeg 7.1's encoders leave some behind each time (h06).
fn narrow(driver: simgpu::Simgpu, bytes: u64) {
    let device_memory = driver.ledger().device_bytes_live + bytes;
    driver.configure(simgpu::Config { device_memory, ..simgpu::Config::default() });
}

#[test]
fn h58_a_device_without_room_for_a_reconstruction() {
    const NAME: &str = "h58_a_device_without_room_for_a_reconstruction";
    // Room for so many surfaces of 160x96, as the driver lays them out.
    const SURFACE: u64 = 256 * 96 * 3 / 2;
    const MOST: u64 = 24;
    defect(
        NAME,
        &[],
        || {
            // In C, in one process for all: the first size that crashes ends it.
            let driver = simgpu::va::start().unwrap();
            for room in 1..MOST {
                narrow(driver, room * SURFACE);
                println!("{room}: {:?}", c_loop::vaapi(simgpu::va::NODE, 6, 0));
            }
        },
        |output| match avsluice::libavcodec_version().0 {
            61 | 63 => assert_eq!(output.status.signal(), Some(SIGSEGV), "{}: {}", output.status, text(&output)),
            _ => assert!(output.status.success(), "{}: {}", output.status, text(&output)),
        },
        |driver| {
            let mut refused = 0;
            for room in 1..MOST {
                narrow(driver, room * SURFACE);
                let encode = || -> avsluice::Result<u64> {
                    let device = Device::vaapi(simgpu::va::NODE)?;
                    let pool = FramePool::new(&device, NV12)?;
                    let mut encoder = Encoder::new(&pool, CLOCK, vaapi::H264::new()).max_b_frames(2).open()?;
                    for number in 0..6 {
                        encoder.send(picture(NV12, number).upload(&pool)?)?.try_for_each(|packet| packet.map(drop))?;
                    }
                    Ok(encoder.flush()?.finish(Limit::default(), |_| Ok(()))?.free().received)
                };
                match encode() {
                    Ok(received) => assert_eq!(received, 6, "room for {room}"),
                    Err(error) => {
                        let full = matches!(error.kind(), ErrorKind::PoolExhausted | ErrorKind::OutOfMemory);
                        assert!(full, "room for {room}: {error}");
                        refused += 1;
                    }
                }
            }
            assert!(refused > 2 && refused < MOST - 3, "{refused} of {MOST} are too narrow");
        },
    );
}
