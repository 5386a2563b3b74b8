//! Stages on threads, as docs/threads.md has them, on the SIMULATED NVIDIA driver: a stage that fails stops the others, cancelling
//! leaves nothing behind, and many encoders share one device.

mod support;

use avsluice::{
    Cuda, Decoder, Demuxer, Device, Encoder, Error, ErrorKind, Format, Frame, FramePool, Limit, Outcome, Packet,
    PixelFormat, Result, TeardownReport, nvenc,
};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};
use support::codecs::{NV_ENC_ERR_GENERIC, fault};
use support::{CLOCK, picture, simulated, simulated_allowing};

enum Message<T> {
    Item(T),
    End,
}

const HUNG_UP: &str = "another stage has stopped";

fn hung_up<E>(_: E) -> Error {
    Error::other(HUNG_UP)
}

fn is_hung_up(error: &Error) -> bool {
    error.to_string().contains(HUNG_UP)
}

/// What a stage took and gave, also when it fails.
#[derive(Debug, Default)]
struct Counts {
    taken: u64,
    given: u64,
}

type Frames = Message<Frame<'static, Cuda>>;

fn decode(device: &Arc<Device<Cuda>>, frames: &SyncSender<Frames>, most: usize, counts: &mut Counts) -> Result<()> {
    let mut input = Demuxer::open(media::standard().path)?;
    let video = input.video()?;
    let mut decoder = Decoder::new(device, &video).open()?.frames(input.packets(&video));
    for frame in decoder.by_ref().take(most) {
        counts.taken += 1;
        frames.send(Message::Item(frame?)).map_err(hung_up)?;
        counts.given += 1;
    }
    if counts.taken < 250 {
        return Err(hung_up(())); // cancelled
    }
    frames.send(Message::End).map_err(hung_up)
}

fn encode(
    mut encoder: Encoder<'static, Cuda>,
    frames: Receiver<Frames>,
    packets: &SyncSender<Message<Packet>>,
    counts: &mut Counts,
) -> Result<TeardownReport> {
    for message in frames {
        match message {
            Message::Item(frame) => {
                counts.taken += 1;
                for packet in encoder.send(frame)? {
                    packets.send(Message::Item(packet?)).map_err(hung_up)?;
                    counts.given += 1;
                }
            }
            Message::End => {
                let closed = encoder.flush()?.finish(Limit::default(), |packet| {
                    counts.given += 1;
                    packets.send(Message::Item(packet)).map_err(hung_up)
                })?;
                packets.send(Message::End).map_err(hung_up)?;
                return Ok(closed.free());
            }
        }
    }
    Err(hung_up(()))
}

/// Takes packets to the end; or so many, and then fails.
fn write(packets: Receiver<Message<Packet>>, fails_after: Option<u64>, counts: &mut Counts) -> Result<()> {
    for message in packets {
        match message {
            Message::Item(_) if fails_after == Some(counts.taken) => return Err(Error::other("the disk is full")),
            Message::Item(_) => counts.taken += 1,
            Message::End => return Ok(()),
        }
    }
    Err(hung_up(()))
}

/// How each of the three stages ended, and what it counted.
struct Ended {
    decoded: (Result<()>, Counts),
    encoded: (Result<TeardownReport>, Counts),
    written: (Result<()>, Counts),
}

/// Three stages: the first frames of the standard stream, so many packets written.
fn pipeline(device: &Arc<Device<Cuda>>, most: usize, fails_after: Option<u64>) -> Ended {
    let format = Format { width: 320, height: 240, pixels: PixelFormat::Nv12 };
    let pool = FramePool::new(device, format).unwrap();
    let encoder = Encoder::new(&pool, CLOCK, nvenc::H264::new()).open().unwrap();
    drop(pool);
    let (to_encoder, frames) = sync_channel(4);
    let (to_writer, packets) = sync_channel(4);
    // Each stage owns its ends of the channels, and drops them when it returns.
    thread::scope(|scope| {
        let decoding = scope.spawn(move || {
            let mut counts = Counts::default();
            (decode(device, &to_encoder, most, &mut counts), counts)
        });
        let encoding = scope.spawn(move || {
            let mut counts = Counts::default();
            (encode(encoder, frames, &to_writer, &mut counts), counts)
        });
        let writing = scope.spawn(move || {
            let mut counts = Counts::default();
            (write(packets, fails_after, &mut counts), counts)
        });
        Ended { decoded: decoding.join().unwrap(), encoded: encoding.join().unwrap(), written: writing.join().unwrap() }
    })
}

fn close(device: Arc<Device<Cuda>>) {
    Arc::into_inner(device).expect("every stage has let go of the device").close().unwrap();
}

/// A channel of four may hold what was sent and never taken.
fn adds_up(given: u64, taken: u64) -> bool {
    (taken..=taken + 4).contains(&given)
}

#[test]
fn three_stages_pass_everything_on() {
    simulated("three_stages_pass_everything_on", |_| {
        let device = Arc::new(Device::cuda(0).unwrap());
        let Ended { decoded, encoded, written } = pipeline(&device, usize::MAX, None);
        decoded.0.unwrap();
        written.0.unwrap();
        let report = encoded.0.unwrap();
        assert!(matches!(report.outcome, Outcome::Drained));
        assert_eq!((report.sent, report.received, report.lost), (250, 250, 0));
        assert_eq!([decoded.1.given, encoded.1.taken, encoded.1.given, written.1.taken], [250; 4]);
        close(device);
    });
}

#[test]
fn an_encoder_that_fails_stops_the_others_and_says_why() {
    simulated_allowing("an_encoder_that_fails_stops_the_others_and_says_why", support::codecs::UNDRAINED, |driver| {
        for nth in [1, 40, 200] {
            let device = Arc::new(Device::cuda(0).unwrap());
            driver.fail(fault("nvEncEncodePicture", nth, NV_ENC_ERR_GENERIC));
            let Ended { decoded, encoded, written } = pipeline(&device, usize::MAX, None);
            driver.clear_faults();
            let error = encoded.0.unwrap_err();
            assert!(error.is_fatal() && !is_hung_up(&error), "{error}");
            assert!(is_hung_up(&decoded.0.unwrap_err()) && is_hung_up(&written.0.unwrap_err()), "{nth}");
            assert_eq!(encoded.1.taken, nth, "the failing frame was the last one");
            assert!(adds_up(decoded.1.given, encoded.1.taken), "{:?} {:?}", decoded.1, encoded.1);
            assert_eq!(encoded.1.given, written.1.taken, "what came out before has arrived");
            close(device);
        }
    });
}

#[test]
fn a_decoder_that_fails_stops_the_others_and_says_why() {
    simulated_allowing("a_decoder_that_fails_stops_the_others_and_says_why", support::codecs::UNDRAINED, |driver| {
        let device = Arc::new(Device::cuda(0).unwrap());
        driver.fail(simgpu::Fault { sticky: true, ..fault("cuvidMapVideoFrame*", 60, 999) });
        let Ended { decoded, encoded, written } = pipeline(&device, usize::MAX, None);
        driver.clear_faults();
        let error = decoded.0.unwrap_err();
        assert!(!is_hung_up(&error), "{error}");
        assert!(is_hung_up(&encoded.0.unwrap_err()) && is_hung_up(&written.0.unwrap_err()));
        assert!(decoded.1.given == encoded.1.taken && encoded.1.given == written.1.taken);
        close(device);
    });
}

#[test]
fn a_writer_that_fails_stops_the_others_and_says_why() {
    simulated_allowing("a_writer_that_fails_stops_the_others_and_says_why", support::codecs::UNDRAINED, |_| {
        for after in [0, 10, 249] {
            let device = Arc::new(Device::cuda(0).unwrap());
            let Ended { decoded, encoded, written } = pipeline(&device, usize::MAX, Some(after));
            let error = written.0.unwrap_err();
            assert!(error.to_string().contains("the disk is full"), "{error}");
            assert_eq!(written.1.taken, after);
            // Encoder and decoder may have come to their end before: the last packets were then on their way to the
            // writer.
            match &encoded.0 {
                // What four places between them and the writer's hands hold may be all that was left.
                Ok(_) => assert!(encoded.1.given == 250 && after + 4 + 1 >= 250, "{after}"),
                Err(error) => assert!(is_hung_up(error), "{after}: {error}"),
            }
            assert!(decoded.0.is_ok() == (decoded.1.given == 250) || decoded.1.given == 250, "{after}");
            close(device);
        }
    });
}

#[test]
fn cancelling_leaves_nothing_behind() {
    simulated_allowing("cancelling_leaves_nothing_behind", support::codecs::UNDRAINED, |_| {
        for most in [0, 1, 7, 100] {
            let device = Arc::new(Device::cuda(0).unwrap());
            let Ended { decoded, encoded, written } = pipeline(&device, most, None);
            let errors = [decoded.0.unwrap_err(), encoded.0.unwrap_err(), written.0.unwrap_err()];
            assert!(errors.iter().all(is_hung_up), "{errors:?}");
            let most = most as u64;
            assert_eq!((decoded.1.given, encoded.1.taken), (most, most), "frames that were sent have arrived");
            assert_eq!(encoded.1.given, written.1.taken);
            close(device);
        }
    });
}

/// What one of many threads has done.
#[derive(Debug, Default)]
struct Work {
    sent: u64,
    received: u64,
    lost: u64,
    lives: u64,
}

/// Lives of encoders on one thread, each of another length and end, until it is enough.
fn live(device: &Arc<Device<Cuda>>, thread: u64, enough: impl Fn(&Work) -> bool) -> Result<Work> {
    let mut work = Work::default();
    while !enough(&work) {
        let life = work.lives;
        work.lives += 1;
        let size = 160 + 32 * (thread as u32 % 4);
        let format = Format { width: size, height: 96, pixels: PixelFormat::Nv12 };
        let pool = FramePool::new(device, format)?;
        let options = nvenc::H264::new().rc(nvenc::RateControl::Vbr);
        let mut encoder = Encoder::new(&pool, CLOCK, options).bit_rate(1_000_000).max_b_frames(2).open()?;
        let mut times = BTreeSet::new();
        let mut taken = |packet: Packet| {
            assert!(times.insert(packet.pts().unwrap()), "a packet came out twice");
            Ok(())
        };
        let frames = 20 + (life * 7 + thread * 3) % 30;
        for number in 0..frames {
            let mut frame = picture(format, number as usize).upload(&pool)?;
            frame.set_pts(number as i64);
            match number % 11 {
                3 => encoder.set_bit_rate(500_000 + number * 10_000)?,
                7 => encoder.force_keyframe()?,
                _ => {}
            }
            encoder.send(frame)?.try_for_each(|packet| taken(packet?))?;
        }
        let report = if life == 4 {
            // What is inside is lost, and counted. Once is enough: the driver's ledger lists each such picture, and has an end.
            encoder.flush()?.abandon().free()
        } else {
            encoder.flush()?.finish(Limit::default(), taken)?.free()
        };
        assert_eq!(report.sent, frames);
        assert_eq!(report.sent, report.received + report.lost);
        assert_eq!(report.received, times.len() as u64);
        work.sent += report.sent;
        work.received += report.received;
        work.lost += report.lost;
    }
    Ok(work)
}

/// `AVSLUICE_STRESS_SECONDS=60 cargo test --test threads eight_encoders -- --nocapture` runs it for a minute.
#[test]
fn eight_encoders_on_eight_threads_share_a_device() {
    simulated_allowing("eight_encoders_on_eight_threads_share_a_device", support::codecs::UNDRAINED, |_| {
        let seconds = std::env::var("AVSLUICE_STRESS_SECONDS").ok().and_then(|text| text.parse().ok());
        let begun = Instant::now();
        let device = Arc::new(Device::cuda(0).unwrap());
        let work: Vec<_> = thread::scope(|scope| {
            let device = &device;
            let enough = move |work: &Work| match seconds {
                Some(seconds) => begun.elapsed() >= Duration::from_secs(seconds),
                None => work.lives >= 6,
            };
            let threads: Vec<_> = (0..8).map(|thread| scope.spawn(move || live(device, thread, enough))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
        });
        for (thread, work) in work.iter().enumerate() {
            assert!(work.lives >= 5 && work.lost > 0, "{work:?}");
            println!("SIMULATED: thread {thread}: {work:?}");
        }
        let error = Device::cuda(99).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::NoDevice);
        close(device);
    });
}
