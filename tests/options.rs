//! Typed options: each name and word is FFmpeg's, what FFmpeg does not know is refused, what was set reaches the encoder.

mod support;

use avsluice::{
    Encoder, Error, ErrorKind, Frame, FramePool, Limit, Packet, Result, System,
    encode::{Configured, Encodes, Options},
    mpeg4::Mpeg4,
    nvenc, x264,
};
use support::{CLOCK, NV12, YUV420P, picture, simulated};

fn configured<O: Encodes<System>>(options: O) -> Encoder<'static, System, Configured<O>> {
    let pool = FramePool::new(System, YUV420P).unwrap();
    Encoder::new(&pool, CLOCK, options).threads(1)
}

/// The error of an opening that must fail.
fn refused<O: Encodes<System>>(options: O) -> Error {
    configured(options).open().map(drop).expect_err("opened").into_error()
}

/// FFmpeg took every option's name and value. The opening itself may fail: for nvenc there may be no driver, or no GPU that can.
fn assert_accepted<O: Encodes<System> + std::fmt::Debug + Clone>(options: O) {
    if let Err(failed) = configured(options.clone()).open() {
        let operation = failed.error().operation();
        // Without a driver there is no device for nvenc's frames, which is asked for behind the options.
        let no_driver = *failed.kind() == ErrorKind::DriverMissing;
        assert!(operation == "avcodec_open2" || no_driver, "{options:?}: {failed}");
        assert!(!matches!(failed.kind(), ErrorKind::InvalidSetting { .. }), "{options:?}: {failed}");
    }
}

/// Encodes ten pictures, forcing a keyframe at those that `force` names. Packets in order of presentation.
fn encode<O: Encodes<System>>(encoder: Encoder<'static, System, Configured<O>>, force: &[usize]) -> Vec<Packet> {
    let mut encoder = encoder.open().unwrap();
    let mut packets = Vec::new();
    for number in 0..10 {
        if force.contains(&number) {
            encoder.force_keyframe().unwrap();
        }
        let ready = encoder.send(picture(YUV420P, number)).unwrap();
        packets.extend(ready.collect::<Result<Vec<_>>>().unwrap());
    }
    let mut rest = Vec::new();
    let sink = |packet| {
        rest.push(packet);
        Ok(())
    };
    encoder.flush().unwrap().finish(Limit::default(), sink).unwrap().free();
    packets.extend(rest);
    assert_eq!(packets.len(), 10);
    packets.sort_by_key(Packet::pts);
    packets
}

/// The NAL units of an H.264 packet, without start codes.
fn units(packet: &Packet) -> Vec<&[u8]> {
    let data = packet.data();
    let starts: Vec<usize> =
        (0..data.len()).filter(|&at| data[at..].starts_with(&[0, 0, 1])).map(|at| at + 3).collect();
    let ends = starts.iter().skip(1).map(|start| start - 3).chain([data.len()]);
    starts.iter().zip(ends).map(|(&start, end)| &data[start..end]).collect()
}

fn has_idr(packet: &Packet) -> bool {
    units(packet).iter().any(|unit| unit[0] & 31 == 5)
}

/// What libx264 writes into the first packet: `profile_idc` and `level_idc` of the SPS, and its settings as text.
fn x264_header(options: x264::H264) -> (u8, u8, String) {
    let packets = encode(configured(options).max_b_frames(0), &[]);
    let units = units(&packets[0]);
    let sps = units.iter().find(|unit| unit[0] & 31 == 7).unwrap();
    let settings = units.iter().find(|unit| unit[0] & 31 == 6).unwrap();
    (sps[1], sps[3], String::from_utf8_lossy(settings).into_owned())
}

/// Asserts that the options are these, besides `forced-idr`, which is on.
#[track_caller]
fn assert_settings(options: impl Options, expected: &[(&str, &str)]) {
    let settings = options.settings();
    let settings: Vec<_> = settings.iter().map(|setting| (setting.name.as_str(), setting.value.as_str())).collect();
    assert_eq!(settings, [&[("forced-idr", "1")], expected].concat());
    assert!(options.settings().iter().all(|setting| setting.since.is_none()), "FFmpeg 5.1 has all of them");
}

/// Every option that both nvenc encoders have. A macro, since they share no trait.
macro_rules! all_of_nvenc {
    ($options:expr) => {
        $options
            .preset(nvenc::Preset::P3)
            .tune(nvenc::Tune::LowLatency)
            .rc(nvenc::RateControl::Vbr)
            .qp(21)
            .cq(19.5)
            .multipass(nvenc::Multipass::QuarterResolution)
            .surfaces(32)
            .delay(2)
            .zero_latency(true)
            .spatial_aq(true)
            .temporal_aq(true)
            .aq_strength(15)
            .rc_lookahead(16)
            .b_ref_mode(nvenc::BRefMode::Middle)
            .weighted_pred(true)
    };
}
const ALL_OF_NVENC: [(&str, &str); 15] = [
    ("preset", "p3"),
    ("tune", "ll"),
    ("rc", "vbr"),
    ("qp", "21"),
    ("cq", "19.5"),
    ("multipass", "qres"),
    ("surfaces", "32"),
    ("delay", "2"),
    ("zerolatency", "1"),
    ("spatial-aq", "1"),
    ("temporal-aq", "1"),
    ("aq-strength", "15"),
    ("rc-lookahead", "16"),
    ("b_ref_mode", "middle"),
    ("weighted_pred", "1"),
];

#[test]
fn each_method_sets_the_option_that_it_names() {
    let h264 = all_of_nvenc!(nvenc::H264::new()).profile(nvenc::H264Profile::High).level(nvenc::H264Level::L4_1);
    assert_settings(h264, &[&ALL_OF_NVENC[..], &[("profile", "high"), ("level", "4.1")]].concat());
    let hevc = all_of_nvenc!(nvenc::Hevc::new())
        .profile(nvenc::HevcProfile::Main10)
        .level(nvenc::HevcLevel::L5)
        .tier(nvenc::HevcTier::High);
    assert_settings(hevc, &[&ALL_OF_NVENC[..], &[("profile", "main10"), ("level", "5.0"), ("tier", "high")]].concat());
    let x264 = x264::H264::new()
        .preset(x264::Preset::Superfast)
        .tune(x264::Tune::Film)
        .crf(21.25)
        .qp(30)
        .profile(x264::Profile::High422)
        .level(x264::Level::L1b);
    let expected = ["superfast", "film", "21.25", "30", "high422", "1b"];
    let names = ["preset", "tune", "crf", "qp", "profile", "level"];
    assert_settings(x264, &names.into_iter().zip(expected).collect::<Vec<_>>());
    assert_eq!(Mpeg4::new().settings(), []);
}

#[test]
fn the_presets_set_what_their_table_says() {
    let low_latency = [("tune", "ull"), ("rc", "cbr"), ("delay", "0"), ("zerolatency", "1")];
    assert_settings(nvenc::H264::low_latency(), &low_latency);
    assert_settings(nvenc::Hevc::low_latency(), &low_latency);
    let quality = ["p6", "hq", "vbr", "fullres", "1", "20"];
    let names = ["preset", "tune", "rc", "multipass", "spatial-aq", "rc-lookahead"];
    let quality: Vec<_> = names.into_iter().zip(quality).collect();
    assert_settings(nvenc::H264::quality(), &quality);
    assert_settings(nvenc::Hevc::quality(), &quality);
}

#[test]
fn nvenc_words_are_in_ffmpegs_tables() {
    assert_accepted(all_of_nvenc!(nvenc::H264::new()));
    assert_accepted(all_of_nvenc!(nvenc::Hevc::new()));
    assert_accepted(nvenc::H264::low_latency());
    assert_accepted(nvenc::Hevc::quality());
    macro_rules! each {
        ($encoder:ident: $($method:ident($values:ident)),+) => {$(
            for &value in nvenc::$values::ALL {
                assert_accepted(nvenc::$encoder::new().$method(value));
            }
        )+};
    }
    each!(H264: preset(Preset), tune(Tune), rc(RateControl), multipass(Multipass), b_ref_mode(BRefMode));
    each!(H264: profile(H264Profile), level(H264Level));
    each!(Hevc: preset(Preset), tune(Tune), rc(RateControl), multipass(Multipass), b_ref_mode(BRefMode));
    each!(Hevc: profile(HevcProfile), level(HevcLevel), tier(HevcTier));
}

#[test]
fn x264_words_are_libx264s() {
    for &preset in x264::Preset::ALL {
        drop(configured(x264::H264::new().preset(preset)).open().unwrap());
    }
    for &tune in x264::Tune::ALL {
        drop(configured(x264::H264::new().tune(tune)).open().unwrap());
    }
    for &profile in x264::Profile::ALL {
        drop(configured(x264::H264::new().profile(profile)).open().unwrap());
    }
    for &level in x264::Level::ALL {
        let (_, level_idc, _) = x264_header(x264::H264::new().preset(x264::Preset::Ultrafast).level(level));
        let digits: String = level.to_string().chars().filter(char::is_ascii_digit).collect();
        // A.3.1: level 1b is 11 with a constraint flag in these profiles; x264 writes it so.
        let expected = if level == x264::Level::L1b { 11 } else { digits.parse().unwrap() };
        assert_eq!(level_idc, expected, "{level:?}");
    }
}

#[test]
fn options_reach_libx264() {
    let (profile, level, settings) = x264_header(x264::H264::new().crf(18.5).level(x264::Level::L3_1));
    assert_eq!((profile, level), (100, 31), "High, level 3.1");
    assert!(settings.contains("crf=18.5") && settings.contains("subme=7"), "{settings}");
    let baseline = x264::H264::new().preset(x264::Preset::Veryslow).profile(x264::Profile::Baseline).qp(33);
    let (profile, _, settings) = x264_header(baseline);
    assert_eq!(profile, 66);
    assert!(settings.contains("qp=33") && settings.contains("ref=16"), "{settings}");
    let (_, _, settings) = x264_header(x264::H264::new().set("me_method", "umh"));
    assert!(settings.contains("me=umh"), "{settings}");
}

#[test]
fn the_last_setting_of_a_name_counts() {
    let (_, _, settings) = x264_header(x264::H264::new().crf(40.0).set("crf", 25).crf(18.5));
    assert!(settings.contains("crf=18.5"), "{settings}");
    // What was replaced is not even given to FFmpeg, which would refuse it.
    drop(configured(x264::H264::new().set("crf", "best").crf(20.0)).open().unwrap());
}

#[test]
fn h24_an_unknown_option_is_refused_with_the_nearest() {
    let unknown = |error: Error, wrong: &str, right: Option<&str>| {
        let kind = ErrorKind::OptionUnknown { name: wrong.into(), nearest: right.map(Into::into) };
        assert_eq!(error.kind(), &kind, "{error}");
        assert!(error.to_string().contains(wrong) && error.to_string().contains(right.unwrap_or("")), "{error}");
    };
    unknown(refused(x264::H264::new().set("prest", "slow")), "prest", Some("preset"));
    unknown(refused(nvenc::H264::new().set("prest", "p1")), "prest", Some("preset"));
    unknown(refused(nvenc::Hevc::new().set("rc_lookahed", 8)), "rc_lookahed", Some("rc-lookahead"));
    unknown(refused(Mpeg4::new().set("bitrate_tolerance", 1)), "bitrate_tolerance", None);
    // Options of another codec's: a typed one cannot get there, a named one is refused.
    unknown(refused(Mpeg4::new().set("forced-idr", 1)), "forced-idr", None);
}

#[test]
fn a_bad_value_is_refused_by_the_options_name() {
    let invalid = |error: Error, name: &str, value: &str| {
        assert_eq!(error.kind(), &ErrorKind::InvalidSetting { name: name.into() }, "{error}");
        assert!(error.to_string().contains(value), "{error}");
    };
    invalid(refused(nvenc::H264::new().set("preset", "p8")), "preset", "p8");
    invalid(refused(nvenc::H264::new().aq_strength(16)), "aq-strength", "16");
    invalid(refused(nvenc::Hevc::new().surfaces(65)), "surfaces", "65");
    invalid(refused(nvenc::Hevc::new().cq(51.5)), "cq", "51.5");
    invalid(refused(nvenc::Hevc::new().cq(f32::NAN)), "cq", "NaN");
    invalid(refused(x264::H264::new().crf(f32::NAN)), "crf", "NaN");
    invalid(refused(x264::H264::new().set("crf", "best")), "crf", "best");
    invalid(refused(Mpeg4::new().set("qmin", "few")), "qmin", "few");
}

#[test]
fn libx264s_own_refusal_names_the_value() {
    for (name, value) in [("preset", "quick"), ("tune", "cats"), ("profile", "low")] {
        let error = refused(x264::H264::new().set(name, value));
        assert_eq!(error.operation(), "avcodec_open2");
        assert!(error.log().iter().any(|line| line.contains(value)), "{error}");
    }
}

#[test]
fn a_failed_open_can_be_mended() {
    let failed = configured(x264::H264::new().crf(23.0).set("aq_strenght", 1)).open().map(drop).unwrap_err();
    assert!(matches!(failed.kind(), ErrorKind::OptionUnknown { .. }));
    let mut again = failed.into_value();
    *again.options_mut() = x264::H264::new().crf(23.0).set("aq-strength", 1.3);
    let packets = encode(again, &[]);
    let text = String::from_utf8_lossy(packets[0].data());
    assert!(text.contains("crf=23.0") && text.contains("aq=1:1.30"), "the fresh context has both");
}

#[test]
fn h21_a_forced_keyframe_is_an_idr() {
    // With an open GOP, libx264's own keyframes are no IDR pictures: only `forced-idr` makes them that.
    let open_gop = || x264::H264::new().preset(x264::Preset::Veryfast).set("x264-params", "open-gop=1:scenecut=0");
    let idrs = |options| {
        let packets = encode(configured(options).max_b_frames(2), &[5]);
        let idr: Vec<_> = packets.iter().filter(|packet| has_idr(packet)).filter_map(Packet::pts).collect();
        assert_eq!(packets[5].is_keyframe(), idr.contains(&5));
        idr
    };
    assert_eq!(idrs(open_gop()), [0, 5]);
    assert_eq!(idrs(open_gop().forced_idr(false)), [0]);
}

#[test]
fn h21_a_forced_keyframe_is_an_idr_of_nvenc() {
    simulated("h21_a_forced_keyframe_is_an_idr_of_nvenc", |driver| {
        for (options, idr) in [(nvenc::H264::new(), 2), (nvenc::H264::new().forced_idr(false), 1)] {
            let packets = encode(configured(options).max_b_frames(0), &[5]);
            assert_eq!(packets.iter().filter(|packet| has_idr(packet)).count(), idr, "SIMULATED");
            assert_eq!(driver.ledger().sessions.last().unwrap().idr, idr as u64);
        }
    });
}

#[test]
fn h14_low_latency_holds_no_packet_back() {
    simulated("h14_low_latency_holds_no_packet_back", |_| {
        let held = |options: nvenc::H264| {
            let pool = FramePool::new(System, NV12).unwrap();
            let mut encoder = Encoder::new(&pool, CLOCK, options).max_b_frames(0).open().unwrap();
            let held = (0..6).map(|number| {
                let _ = encoder.send(picture(NV12, number)).unwrap().map(Result::unwrap).count();
                encoder.in_flight()
            });
            let held: Vec<_> = held.collect();
            encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap().free();
            held
        };
        assert_eq!(held(nvenc::H264::low_latency()), [0; 6], "SIMULATED");
        assert!(held(nvenc::H264::new())[5] >= 2, "FFmpeg's default delay is all surfaces but one");
        assert_eq!(held(nvenc::H264::new().delay(2)), [1; 6], "a packet comes out once there are two");
    });
}

#[test]
fn h51_a_bit_rate_that_nothing_comes_of_is_refused() {
    simulated("h51_a_bit_rate_that_nothing_comes_of_is_refused", |driver| {
        let change = |options: nvenc::H264| {
            let mut encoder = configured(options).bit_rate(1_000_000).open().unwrap();
            let changed = encoder.set_bit_rate(2_000_000);
            let _ = encoder.send(picture(YUV420P, 0)).unwrap().map(Result::unwrap).count();
            encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap().free();
            (changed.map_err(|error| error.kind().clone()), driver.ledger().sessions.last().unwrap().reconfigured)
        };
        assert_eq!(change(nvenc::H264::new()), (Ok(()), 1), "SIMULATED");
        assert_eq!(change(nvenc::H264::low_latency()), (Ok(()), 1));
        let unsupported = (Err(ErrorKind::Unsupported), 0);
        assert_eq!(change(nvenc::H264::new().qp(20)), unsupported);
        assert_eq!(change(nvenc::H264::new().cq(20.0)), unsupported);
        assert_eq!(change(nvenc::H264::low_latency().rc(nvenc::RateControl::ConstQp)), unsupported);
    });
}

#[test]
fn h51_libx264_follows_a_new_bit_rate_where_it_keeps_a_constant_one() {
    let bytes = |change: Option<u64>| {
        let options = x264::H264::new().preset(x264::Preset::Ultrafast).tune(x264::Tune::Zerolatency);
        let constant = configured(options).bit_rate(300_000).max_bit_rate(300_000).buffer_size(60_000);
        let mut encoder = constant.open().unwrap();
        if let Some(rate) = change {
            encoder.set_bit_rate(rate).unwrap();
        }
        let sent = (0..50).flat_map(|number| encoder.send(noise(number)).unwrap().collect::<Vec<_>>());
        let bytes: usize = sent.map(|packet| packet.unwrap().data().len()).sum();
        encoder.flush().unwrap().finish(Limit::default(), |_| Ok(())).unwrap().free();
        bytes
    };
    let (low, high) = (bytes(None), bytes(Some(1_200_000)));
    assert!(high > 2 * low, "{low} bytes at 300 kbit/s, {high} after a change to 1200");
}

/// A picture that takes as many bits as it is given.
fn noise(number: usize) -> Frame<'static, System> {
    let mut frame = picture(YUV420P, number);
    let mut state = number as u32;
    for sample in frame.plane_mut(0).unwrap().lines_mut().flatten() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *sample = (state >> 24) as u8;
    }
    frame
}
