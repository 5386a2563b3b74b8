//! Decoding into, and encoding from, VA-API surfaces, on the SIMULATED VA-API driver: pictures compared with their published hashes,
//! copies counted by the driver.

mod support;

use avsluice::{
    AnyFrame, Decoder, Device, Encoder, ErrorKind, Frame, FramePool, Limit, Mapping, Muxer, Outcome, Packet, Result,
    Settle, Teardown, Vaapi, transfer, vaapi,
};
use simgpu::va::NODE;
use std::{path::Path, thread};
use support::codecs::hashes;
use support::{CLOCK, NV12, bytes, leaked_by_encoders, md5, open, picture, simulated_vaapi, simulated_vaapi_leaking};

/// Closes a device on which there were encoders: FFmpeg 7.1's leave references behind (h06).
fn close(device: Device<Vaapi>) {
    match device.close() {
        Ok(()) => {}
        Err(failed) => assert!(!leaked_by_encoders().is_empty(), "{failed}"),
    }
}

fn upload<'d>(pool: &FramePool<'d, Vaapi>, number: usize) -> Frame<'d, Vaapi> {
    picture(NV12, number).upload(pool).unwrap()
}

#[test]
fn every_h264_stream_decodes_into_surfaces_to_its_published_hashes() {
    simulated_vaapi("every_h264_stream_decodes_into_surfaces_to_its_published_hashes", |_| {
        let device = Device::vaapi(NODE).unwrap();
        for stream in media::h264() {
            let (mut file, video) = open(&stream.path).unwrap();
            let mut frames = Decoder::new(&device, &video).open().unwrap().frames(file.packets(&video));
            let hashes: Vec<_> = frames.by_ref().map(|frame| md5(&frame.unwrap().download().unwrap())).collect();
            assert!(hashes == stream.frames, "{}", stream.name);
            assert!(matches!(frames.close().free().outcome, Outcome::Drained));
        }
        device.close().unwrap();
    });
}

#[test]
fn a_transcode_copies_nothing_between_host_and_surfaces() {
    simulated_vaapi_leaking("a_transcode_copies_nothing_between_host_and_surfaces", leaked_by_encoders(), |driver| {
        driver.configure(simgpu::Config { encoder_min_size: (33, 17), ..Default::default() });
        let dir = tempfile::tempdir().unwrap();
        for stream in media::h264() {
            let path = dir.path().join("out.mp4");
            driver.reset_counters();
            let before = transfer::stats();
            let device = Device::vaapi(NODE).unwrap();
            let (mut file, video) = open(&stream.path).unwrap();
            let mut frames = Decoder::new(&device, &video).open().unwrap().frames(file.packets(&video));
            let pool = frames.pool().unwrap();
            let encoder = Encoder::new(&pool, video.time_base(), vaapi::H264::new()).max_b_frames(2);
            let encoder = encoder.open().unwrap();
            drop(pool);
            let report = write(encoder, frames.by_ref().map(|frame| frame.unwrap()), &path).unwrap();
            frames.close().free();
            close(device);

            assert_eq!((report.sent, report.received), (stream.frame_count as u64, stream.frame_count as u64));
            let bytes = driver.ledger().bytes;
            assert_eq!((bytes.host_to_device, bytes.device_to_host), (0, 0), "{}", stream.name);
            let after = transfer::stats();
            assert_eq!((after.uploads, after.downloads), (before.uploads, before.downloads));
            assert!(hashes(&path) == stream.frames, "{}: the output's pictures are the source's", stream.name);
        }
    });
}

/// Encodes frames into a file.
fn write<'d>(
    mut encoder: Encoder<'d, Vaapi>,
    frames: impl Iterator<Item = Frame<'d, Vaapi>>,
    path: &Path,
) -> Result<avsluice::TeardownReport> {
    let mut output = Muxer::create(path)?;
    let track = output.add(&encoder)?;
    let mut output = output.open()?;
    for frame in frames {
        for packet in encoder.send(frame)? {
            output.write(track, packet?)?;
        }
    }
    let encoder = encoder.flush()?.finish(Limit::default(), |packet| output.write(track, packet))?;
    output.finish()?;
    Ok(encoder.free())
}

#[test]
fn uploads_downloads_and_mappings_are_exact_and_counted() {
    simulated_vaapi("uploads_downloads_and_mappings_are_exact_and_counted", |driver| {
        let size = 160 * 96 * 3 / 2;
        let device = Device::vaapi(NODE).unwrap();
        assert!(device.name().unwrap().contains("SIMULATED"), "{:?}", device.name());
        let pool = FramePool::new(&device, NV12).unwrap();
        let host = picture(NV12, 5);
        let before = transfer::stats();
        let frame = host.upload(&pool).unwrap();
        let up = driver.ledger().bytes;
        assert_eq!((up.host_to_device, up.device_to_host), (size, 0));
        let down = frame.download().unwrap();
        assert_eq!((bytes(&down), down.pts()), (bytes(&host), Some(5)));
        assert_eq!(driver.ledger().bytes.device_to_host, size);

        for mapping in [Mapping::Copy, Mapping::Direct] {
            let mapped = frame.map(mapping).unwrap();
            let copy = mapped.to_frame().unwrap();
            assert_eq!((bytes(&copy), mapped.pts(), mapped.format()), (bytes(&host), Some(5), NV12));
            assert_eq!((copy.pts(), copy.time_base()), (Some(5), frame.time_base()));
            let mut row = [0; 160];
            let chroma = mapped.plane(1).unwrap();
            assert!(chroma.data.copy(7, &mut row), "{mapping:?}");
            assert_eq!(Some(&row[..]), host.plane(1).data.get(7));
            assert!(
                !chroma.data.copy(48, &mut row) && !chroma.data.copy(7, &mut row[1..]),
                "no such row, another length"
            );
            assert!(mapped.plane(2).is_none());
            let again = copy.upload(&pool).unwrap();
            assert_eq!(bytes(&again.download().unwrap()), bytes(&host));
            assert!(again.download().unwrap().plane_mut(0).is_some(), "what is downloaded is the program's own");
        }
        let mapped = frame.map(Mapping::Direct).unwrap();
        drop(frame);
        assert_eq!(bytes(&mapped.to_frame().unwrap()), bytes(&host), "the mapping keeps the surface");
        drop(mapped);
        let after = transfer::stats();
        assert_eq!((after.uploads - before.uploads, after.downloads - before.downloads), (3, 6));
        drop(pool);
        device.close().unwrap();
    });
}

#[test]
fn encoding_with_b_frames_and_several_pictures_in_work_is_exact() {
    const NAME: &str = "encoding_with_b_frames_and_several_pictures_in_work_is_exact";
    simulated_vaapi_leaking(NAME, leaked_by_encoders(), |driver| {
        let dir = tempfile::tempdir().unwrap();
        let expected: Vec<_> = (0..30).map(|number| md5(&picture(NV12, number))).collect();
        let options = vaapi::H264::new().profile(vaapi::H264Profile::High).async_depth(4);
        for (index, b_frames) in [0, 2].into_iter().enumerate() {
            let path = dir.path().join("out.mp4");
            let device = Device::vaapi(NODE).unwrap();
            let pool = FramePool::new(&device, NV12).unwrap();
            let encoder = Encoder::new(&pool, CLOCK, options.clone()).max_b_frames(b_frames).gop_size(10);
            let encoder = encoder.open().unwrap();
            let report = write(encoder, (0..30).map(|number| upload(&pool, number)), &path).unwrap();
            assert_eq!((report.sent, report.received, report.lost), (30, 30, 0));
            assert_eq!(hashes(&path), expected, "{b_frames} B-frames");
            let session = driver.ledger().sessions[index].clone();
            assert_eq!((session.pictures_in, session.packets_out, session.idr), (30, 30, 3), "{session:?}");
            drop(pool);
            close(device);
        }
    });
}

#[test]
fn a_forced_keyframe_is_an_idr_picture() {
    simulated_vaapi_leaking("a_forced_keyframe_is_an_idr_picture", leaked_by_encoders(), |_| {
        let device = Device::vaapi(NODE).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let mut encoder = Encoder::new(&pool, CLOCK, vaapi::H264::new()).max_b_frames(0).open().unwrap();
        let mut packets: Vec<Packet> = Vec::new();
        for number in 0..8 {
            if number == 5 {
                encoder.force_keyframe().unwrap();
            }
            packets.extend(encoder.send(upload(&pool, number)).unwrap().map(Result::unwrap));
        }
        let finish = encoder.flush().unwrap().finish(Limit::default(), |packet| {
            packets.push(packet);
            Ok(())
        });
        drop(finish.unwrap());
        let keys: Vec<_> = packets.iter().filter(|packet| packet.is_keyframe()).map(|packet| packet.pts()).collect();
        assert_eq!(keys, [Some(0), Some(5)]);
        drop(pool);
        close(device);
    });
}

#[test]
fn h51_a_bit_rate_that_cannot_be_changed_is_refused() {
    simulated_vaapi_leaking("h51_a_bit_rate_that_cannot_be_changed_is_refused", leaked_by_encoders(), |_| {
        let device = Device::vaapi(NODE).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let mut encoder = Encoder::new(&pool, CLOCK, vaapi::H264::new()).bit_rate(1_000_000).open().unwrap();
        drop(encoder.send(upload(&pool, 0)).unwrap());
        assert_eq!(*encoder.set_bit_rate(2_000_000).unwrap_err().kind(), ErrorKind::Unsupported);
        drop(encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap());
        drop(pool);
        close(device);
    });
}

#[test]
fn surfaces_in_flight_are_waited_for_before_an_encoder_closes() {
    simulated_vaapi_leaking(
        "surfaces_in_flight_are_waited_for_before_an_encoder_closes",
        leaked_by_encoders(),
        |driver| {
            let device = Device::vaapi(NODE).unwrap();
            let pool = FramePool::new(&device, NV12).unwrap();
            let waits = || driver.ledger().calls.get("vaSyncSurface").map_or(0, |calls| calls.total);
            for (settle, due) in [(Settle::Synchronize, 3), (Settle::None, 0)] {
                let teardown = Teardown { settle };
                let encoder = Encoder::new(&pool, CLOCK, vaapi::H264::new().async_depth(8)).teardown(teardown);
                let mut encoder = encoder.open().unwrap();
                for number in 0..3 {
                    drop(encoder.send(upload(&pool, number)).unwrap());
                }
                let before = waits();
                let report = encoder.flush().unwrap().abandon().free();
                assert_eq!((report.sent, report.lost), (3, 3), "{report}");
                assert!(waits() - before >= due, "{settle:?}: {} of {due}", waits() - before);
            }
            drop(pool);
            close(device);
        },
    );
}

#[test]
fn h43_surfaces_can_be_held_and_running_out_is_named() {
    simulated_vaapi("h43_surfaces_can_be_held_and_running_out_is_named", |_| {
        let device = Device::vaapi(NODE).unwrap();
        let held = |hold: Option<u32>| {
            let (mut file, video) = open(media::standard().path).unwrap();
            let mut decoder = Decoder::new(&device, &video);
            if let Some(hold) = hold {
                decoder = decoder.extra_frames(hold);
            }
            let mut frames = decoder.open().unwrap().frames(file.packets(&video));
            let mut held = Vec::new();
            let error = loop {
                match frames.next() {
                    Some(Ok(frame)) => held.push(frame),
                    Some(Err(error)) => break Some(error),
                    None => break None,
                }
            };
            (held.len(), error)
        };
        let (few, error) = held(None);
        // Where the driver's surfaces are made as they are needed, as newer versions of FFmpeg do, there is no end.
        if let Some(error) = error {
            assert!(few >= 8, "an encoder's worth can be held: {few}");
            assert_eq!(*error.kind(), ErrorKind::PoolExhausted, "{error}");
            assert!(error.to_string().contains("extra_frames"), "it says what to do: {error}");
            assert!(held(Some(40)).0 >= few + 30, "extra_frames(40) leaves room for more than {few}");
        }
        device.close().unwrap();
    });
}

#[test]
fn eight_threads_have_a_device_each_and_eight_share_one() {
    simulated_vaapi_leaking("eight_threads_have_a_device_each_and_eight_share_one", leaked_by_encoders(), |_| {
        let encode = |device: &Device<Vaapi>| {
            let pool = FramePool::new(device, NV12).unwrap();
            let mut encoder = Encoder::new(&pool, CLOCK, vaapi::H264::new()).open().unwrap();
            for number in 0..20 {
                for packet in encoder.send(upload(&pool, number)).unwrap() {
                    drop(packet.unwrap());
                }
            }
            encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap().free().received
        };
        let shared = Device::vaapi(NODE).unwrap();
        let counts: Vec<u64> = thread::scope(|scope| {
            let own = (0..8).map(|_| {
                scope.spawn(|| {
                    let device = Device::vaapi(NODE).unwrap();
                    let count = encode(&device);
                    close(device);
                    count
                })
            });
            let own: Vec<_> = own.collect();
            let sharing: Vec<_> = (0..8).map(|_| scope.spawn(|| encode(&shared))).collect();
            own.into_iter().chain(sharing).map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(counts, [20; 16]);
        close(shared);
    });
}

#[test]
fn memory_known_at_run_time_only_is_sorted() {
    simulated_vaapi_leaking("memory_known_at_run_time_only_is_sorted", leaked_by_encoders(), |_| {
        let device = Device::vaapi(NODE).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let mut encoder = Encoder::new(&pool, CLOCK, vaapi::H264::new()).open().unwrap().erase();
        let error = encoder.send(picture(NV12, 0).erase()).err().unwrap().into_error();
        assert_eq!(*error.kind(), ErrorKind::WrongFormat);
        assert!(error.to_string().contains("VA-API surfaces"), "{error}");
        let frame = upload(&pool, 0).erase();
        assert!(matches!(frame.try_clone().unwrap().into_kind(), AnyFrame::Vaapi(_)));
        drop(encoder.send(frame).unwrap());
        drop(encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap());
        drop(pool);
        close(device);
    });
}

#[test]
fn what_the_driver_cannot_do_is_named() {
    simulated_vaapi("what_the_driver_cannot_do_is_named", |_| {
        let device = Device::vaapi(NODE).unwrap();
        let pool = FramePool::new(&device, NV12).unwrap();
        let error = Encoder::new(&pool, CLOCK, vaapi::Hevc::new()).open().err().unwrap().into_error();
        assert_eq!(*error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("does not encode"), "{error}");
        let options = vaapi::H264::new().set("rc_mod", "CQP");
        let error = Encoder::new(&pool, CLOCK, options).open().err().unwrap().into_error();
        let nearest = Some("rc_mode".to_string());
        assert_eq!(*error.kind(), ErrorKind::OptionUnknown { name: "rc_mod".into(), nearest }, "{error}");
        drop(pool);
        device.close().unwrap();
    });
}

#[test]
fn what_surfaces_cannot_hold_goes_to_software_if_it_may() {
    simulated_vaapi("what_surfaces_cannot_hold_goes_to_software_if_it_may", |_| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mpeg4.mkv");
        let source = ["-f", "lavfi", "-i", "testsrc2=size=160x96:rate=25:duration=0.2", "-c:v", "mpeg4"];
        support::codecs::ffmpeg(&source, &path);
        let device = Device::vaapi(NODE).unwrap();
        let (mut file, video) = open(&path).unwrap();
        let mut frames = Decoder::new(&device, &video).open().unwrap().frames(file.packets(&video));
        let error = frames.first().unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Unsupported, "{error}");
        drop(frames.close());
        let (mut file, video) = open(&path).unwrap();
        let frames = Decoder::new(&device, &video).or_system().open().unwrap().frames(file.packets(&video));
        assert_eq!(
            frames.map(|frame| matches!(frame.unwrap(), avsluice::Decoded::System(_))).collect::<Vec<_>>(),
            [true; 5]
        );
        device.close().unwrap();
    });
}
