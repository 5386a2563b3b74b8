//! Options by name that reach into what FFmpeg reads from, or into what an encoder reads.

use crate::{
    descriptors,
    support::{CLOCK, YUV420P, isolated, open, picture},
};
use avsluice::{
    Demuxer, Encoder, ErrorKind, Format, FramePool, Limit, Muxer, Named, Result, System, TimeBase, demux, mpeg4, nvenc,
};
use std::io::Cursor;

fn invalid(name: &str) -> ErrorKind {
    ErrorKind::InvalidSetting { name: name.into() }
}

/// `fflags` without a sign takes away FFmpeg's mark that the AVIOContext is the application's: after the next error it is closed as FFmpeg's own.
#[test]
fn h60_flags_of_a_format_are_words_with_a_sign() {
    isolated("strings::h60_flags_of_a_format_are_words_with_a_sign", || {
        let file = std::fs::read(media::standard().path).unwrap();
        for flags in ["nobuffer", "0", "genpts", "-64", "128", "+128", "+genpts+0x80", "+genpts nobuffer"] {
            for bad in [None, Some(("probesize", "five")), Some(("format_whitelist", "ogg"))] {
                let options = Demuxer::options().option("fflags", flags);
                let options = bad.into_iter().fold(options, |options, (name, value)| options.option(name, value));
                let error = options.from_read_seek(Cursor::new(file.clone())).unwrap_err();
                assert_eq!(*error.kind(), invalid("fflags"), "{flags}: {error}");
                assert!(error.to_string().contains("`+"), "it says what to write: {error}");
            }
        }
        let options = Demuxer::options().option("fflags", "+genpts+nobuffer").option("probesize", "five");
        options.from_read_seek(Cursor::new(file.clone())).unwrap_err();
        let mut input =
            Demuxer::options().option("fflags", "+genpts-autobsf").from_read_seek(Cursor::new(file)).unwrap();
        let video = input.video().unwrap();
        assert_eq!(input.packets(&video).map(Result::unwrap).count(), 250);
    });
}

/// A file that is marked as the application's stays open.
#[test]
fn h60_no_flag_keeps_a_file_open() {
    isolated("strings::h60_no_flag_keeps_a_file_open", || {
        let path = media::standard().path;
        let before = descriptors();
        for flags in ["+128", "+genpts"] {
            for _ in 0..5 {
                drop(Demuxer::options().option("fflags", flags).open(&path));
            }
        }
        assert_eq!(descriptors(), before);
        let (_, video) = open(&path).unwrap();
        for flags in ["0", "flush_packets"] {
            let mut output = Muxer::to_write_seek("mp4", Cursor::new(Vec::new())).unwrap();
            output.option("fflags", flags);
            output.add_copy(&video).unwrap();
            assert_eq!(*output.open().map(drop).unwrap_err().kind(), invalid("fflags"));
        }
    });
}

/// The encoder's library takes another size than the frames have, reads on behind them, and codes what it finds: the process's memory.
#[test]
fn h61_no_option_changes_the_picture_behind_the_frames() {
    isolated("strings::h61_no_option_changes_the_picture_behind_the_frames", || {
        let pool = FramePool::new(System, Format { width: 64, height: 64, ..YUV420P }).unwrap();
        let mut tried = 0;
        for (encoder, option, value) in [
            ("libx265", "x265-params", "input-res=64x2048:lossless=1:keyint=1:bframes=0:log-level=none"),
            ("libx265", "x265-params", "lossless=1:input_res=64x2048"),
            ("libx265", "x265-params", r"in\put-res=64x2048"),
            ("libx265", "x265-params", "'input-csp'=3"),
            ("libx265", "x265-params", "no-copy-pic=1"),
            ("libx265", "x265-params", "nocopy-pic=1"),
            ("libx265", "x265-params", "copy-pic=0"),
            ("libx265", "x265-params", "input-depth=16"),
            ("libsvtav1", "svtav1-params", "width=4096"),
            ("libsvtav1", "svtav1-params", "preset=8:height=4096"),
            ("libsvtav1", "svtav1-params", "encoder-bit-depth=10"),
            ("librav1e", "rav1e-params", "width=4096"),
            ("librav1e", "rav1e-params", "bit_depth=10"),
            ("libx264", "flags", "0"),
            ("libx264", "flags", "cgop"),
            ("mpeg4", "time_base", "1/50"),
        ] {
            let failed = match Encoder::new(&pool, CLOCK, Named::new(encoder).set(option, value)).threads(1).open() {
                Err(failed) => failed,
                Ok(_) => panic!("{encoder} opened with {option} {value}"),
            };
            if *failed.kind() == ErrorKind::Unsupported {
                continue; // this FFmpeg has no such encoder
            }
            assert_eq!(*failed.kind(), invalid(option), "{encoder} {option} {value}: {}", failed.error());
            tried += 1;
        }
        assert!(tried > 8, "{tried}");
        let good = Named::new("libx264").set("flags", "+cgop").set("x264-params", "keyint=10:bframes=0");
        let mut encoder = Encoder::new(&pool, CLOCK, good).threads(1).open().unwrap();
        let mut frame = pool.frame().unwrap();
        frame.set_pts(0);
        encoder.send(frame).unwrap().map(Result::unwrap).for_each(drop);
        drop(encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap().free());
    });
}

/// The parameter sets are known before the first picture: a muxer's header is written with them.
#[test]
fn h61_what_an_encoder_was_configured_with_stays() {
    isolated("strings::h61_what_an_encoder_was_configured_with_stays", || {
        let pool = FramePool::new(System, YUV420P).unwrap();
        let mut tried = 0;
        for encoder in ["mpeg4", "libx264", "ffv1"] {
            let options = |flags: &str| Named::new(encoder).set("flags", flags);
            let Ok(fine) = Encoder::new(&pool, CLOCK, options("+bitexact-psnr")).threads(1).open() else { continue };
            drop(fine);
            let failed = Encoder::new(&pool, CLOCK, options("-global_header")).threads(1).open();
            let failed = failed.map(drop).expect_err("its headers would come with the first packet alone");
            assert_eq!(*failed.kind(), invalid("flags"), "{encoder}: {}", failed.error());
            tried += 1;
        }
        assert!(tried >= 2, "{tried}");
    });
}

/// SVT-AV1 1.4 waits for ever when it is closed and was sent nothing.
#[test]
fn every_encoder_can_be_closed_with_nothing_sent() {
    isolated("strings::every_encoder_can_be_closed_with_nothing_sent", || {
        let pool = FramePool::new(System, YUV420P).unwrap();
        let mut closed = 0;
        for name in ["libsvtav1", "libaom-av1", "libx265", "libx264", "libvpx-vp9", "mpeg4", "ffv1"] {
            for _ in 0..2 {
                let Ok(encoder) = Encoder::new(&pool, CLOCK, Named::new(name)).open() else { continue };
                if closed % 2 == 0 {
                    drop(encoder);
                } else {
                    drop(encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap().free());
                }
                closed += 1;
            }
        }
        assert!(closed >= 4, "{closed}");
    });
}

/// FFmpeg's encoders open all the same, and only log it.
#[test]
fn an_option_that_the_library_does_not_know_is_an_error() {
    isolated("strings::an_option_that_the_library_does_not_know_is_an_error", unknown_to_the_library);
}

fn unknown_to_the_library() {
    let pool = FramePool::new(System, YUV420P).unwrap();
    for (encoder, option, value) in [
        ("libx264", "x264-params", "nope=1"),
        ("libx265", "x265-params", "nope=1:log-level=none"),
        ("libsvtav1", "svtav1-params", "nope=1"),
    ] {
        let Err(failed) = Encoder::new(&pool, CLOCK, Named::new(encoder).set(option, value)).threads(1).open() else {
            panic!("{encoder} opened with {option} {value}");
        };
        if *failed.kind() != ErrorKind::Unsupported {
            assert_eq!(*failed.kind(), invalid("options"), "{}", failed.error());
            assert!(failed.to_string().contains("nope"), "{}", failed.error());
        }
    }
}

#[test]
fn settings_that_are_none_are_refused() {
    let pool = FramePool::new(System, YUV420P).unwrap();
    let new = || Encoder::new(&pool, CLOCK, mpeg4::Mpeg4::new());
    for (name, configured) in [
        ("frame_rate", new().frame_rate(0, 0)),
        ("frame_rate", new().frame_rate(25, 0)),
        ("frame_rate", new().frame_rate(u32::MAX, 1)),
        ("threads", new().threads(u32::MAX)),
        ("max_b_frames", new().max_b_frames(1000)),
    ] {
        let failed = configured.open().err().unwrap_or_else(|| panic!("{name}"));
        assert_eq!(*failed.kind(), invalid(name), "{}", failed.error());
    }
}

/// A time base is the same reduced, as some encoders do it.
#[test]
fn a_time_base_that_is_not_reduced_opens() {
    let pool = FramePool::new(System, YUV420P).unwrap();
    let encoder = Encoder::new(&pool, TimeBase { num: 1000, den: 25_000 }, mpeg4::Mpeg4::new()).open().unwrap();
    drop(encoder.flush().unwrap().abandon().free());
}

/// With the word taken away an encoder keeps its parameter sets to itself, and what a container has in its header is
/// missing.
#[test]
fn what_avsluice_has_set_is_not_taken_away_by_name() {
    let pool = FramePool::new(System, YUV420P).unwrap();
    for encoder in ["libx264", "mpeg4"] {
        let failed = Encoder::new(&pool, CLOCK, Named::new(encoder).set("flags", "-global_header")).open().err();
        let failed = failed.unwrap_or_else(|| panic!("{encoder} opened without what was configured"));
        assert_eq!(*failed.kind(), invalid("flags"), "{}", failed.error());
        drop(Encoder::new(&pool, CLOCK, Named::new(encoder).set("flags", "+global_header")).open().unwrap());
    }
}

/// Numbers that a muxer, or one inside of it, computes with unchecked.
#[test]
fn sizes_and_offsets_by_name_are_bounded_also_within_options() {
    let (_, video) = open(media::standard().path).unwrap();
    for (format, option, value) in [
        ("rtp_mpegts", "rtp_muxer_options", "packetsize=20"),
        ("mpegts", "packetsize", "20"),
        ("nut", "output_ts_offset", "9000000000000"),
        ("nut", "output_ts_offset", "-9000000000000"),
    ] {
        let mut output = Muxer::create_as(format, "udp://127.0.0.1:9").unwrap();
        output.option(option, value);
        let Ok(_) = output.add_copy(&video) else { continue };
        let failed = output.open().map(drop).unwrap_err();
        assert!(matches!(failed.kind(), ErrorKind::InvalidSetting { .. }), "{format} {option}: {}", failed.error());
    }
}

/// A muxer with a thread of its own is freed under it.
#[test]
fn h63_muxers_with_threads_are_refused() {
    isolated("strings::h63_muxers_with_threads_are_refused", || {
        let dir = tempfile::tempdir().unwrap();
        let (mut input, video) = open(media::standard().path).unwrap();
        for format in ["fifo", "tee", "FIFO", "Tee"] {
            let error = Muxer::create_as(format, dir.path().join("out.mkv")).unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::Unsupported, "{error}");
            assert!(error.to_string().contains("thread"), "{error}");
        }
        for round in 0..4 {
            let mut output = Muxer::create_as("segment", dir.path().join("out%d.mkv")).unwrap();
            output.option("segment_format", ["fifo", "FIFO", " fifo", "tee"][round]);
            let track = output.add_copy(&video).unwrap();
            if let Ok(mut output) = output.open() {
                input.packets(&video).take(10).for_each(|packet| output.write(track, packet.unwrap()).unwrap());
                panic!("a fifo inside of segments");
            }
            input.seek(&video, demux::Seek::Start, &mut ()).unwrap();
        }
    });
}

/// FFmpeg's nvenc destroys an input buffer for host frames twice where the driver has no room for the output's: frames are uploaded instead.
#[test]
fn h07_a_refused_bitstream_buffer_on_host_frames_is_an_error() {
    crate::support::simulated("strings::h07_a_refused_bitstream_buffer_on_host_frames_is_an_error", |driver| {
        let pool = FramePool::new(System, YUV420P).unwrap();
        let encoder = || Encoder::new(&pool, TimeBase::hz(25), nvenc::H264::new());
        let calls = |name: &str| driver.ledger().calls.get(name).map_or(0, |calls| calls.total);
        for nth in [1, 2, 3] {
            let function = "nvEncCreateBitstreamBuffer".into();
            driver.fail(simgpu::Fault { function, nth, status: 10, sticky: false });
            let failed = encoder().open().err().expect("the driver refuses a buffer");
            assert_eq!(*failed.kind(), ErrorKind::OutOfMemory, "{}", failed.error());
            driver.clear_faults();
        }
        let mut encoder = encoder().open().unwrap();
        let mut packets = 0;
        for number in 0..5 {
            packets += encoder.send(picture(YUV420P, number)).unwrap().map(Result::unwrap).count();
        }
        let closed = encoder.flush().unwrap().finish(Limit::default(), |_| {
            packets += 1;
            Ok(())
        });
        drop(closed.unwrap().free());
        assert_eq!(packets, 5);
        assert_eq!(calls("nvEncCreateInputBuffer"), 0, "FFmpeg's own way for host frames is not gone");
    });
}
