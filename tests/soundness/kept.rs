//! Programs in which nothing was found, to be kept: everything forgotten in turn, drops in odd orders, threads.

use crate::support::{NV12, isolated, isolated_leaking, open};
use avsluice::{
    Cuda, Decoder, Demuxer, Device, Encoder, Failed, FramePool, Limit, Muxer, Result, System, TimeBase, mpeg4, nvenc,
};
use std::{
    any::Any,
    cell::RefCell,
    mem::forget,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    thread,
};

type Shared = Arc<Device<Cuda>>;

fn encoder(device: &Shared) -> (Encoder<'static, Cuda>, FramePool<'static, Cuda>) {
    let pool = FramePool::new(device, NV12).unwrap();
    let mut encoder = Encoder::new(&pool, TimeBase::hz(25), nvenc::H264::new()).open().unwrap();
    for number in 0..3 {
        let mut frame = pool.frame().unwrap();
        frame.set_pts(number);
        encoder.send(frame).unwrap().for_each(drop);
    }
    (encoder, pool)
}

thread_local! {
    static KEEP: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// Uses the library while its thread's storage is destroyed.
struct OnExit;
impl Drop for OnExit {
    fn drop(&mut self) {
        let format = avsluice::Format { pixels: avsluice::PixelFormat::Yuv420p, ..NV12 };
        let pool = FramePool::new(System, format).unwrap();
        let clock = TimeBase { num: 1, den: 1_000_000 };
        assert!(Encoder::new(&pool, clock, mpeg4::Mpeg4::new()).frame_rate(25, 1).open().is_err());
        assert!(Demuxer::from_read(&[1u8; 9000][..]).is_err());
    }
}

#[test]
fn whatever_is_forgotten_or_dropped_in_odd_orders() {
    isolated_leaking("kept::whatever_is_forgotten_or_dropped_in_odd_orders", || {
        let driver = simgpu::start().unwrap();
        std::panic::set_hook(Box::new(|_| {}));
        let round = |case: &dyn Fn(&Shared)| {
            let device = Arc::new(Device::cuda_with_own_context(0).unwrap());
            case(&device);
            Arc::into_inner(device).map(|device| device.close().is_ok())
        };
        assert_eq!(round(&|_| {}), Some(true));
        // What is forgotten keeps the device, and `close` says so or is not reached.
        let forgotten: [&dyn Fn(&Shared); 7] = [
            &|device| forget(encoder(device)),
            &|device| forget(FramePool::new(device, NV12).unwrap()),
            &|device| forget(FramePool::new(device, NV12).unwrap().frame().unwrap()),
            &|device| forget(encoder(device).0.flush().unwrap()),
            &|device| forget(encoder(device).0.flush().unwrap().abandon()),
            &|device| {
                let (mut encoder, _) = encoder(device);
                let pool = FramePool::new(device, avsluice::Format { width: 320, ..NV12 }).unwrap();
                forget(encoder.send(pool.frame().unwrap()).map(drop).map_err(Failed::into_value));
            },
            &|device| {
                let (input, video) = open(media::standard().path).unwrap();
                let mut frames = Decoder::new(device, &video).open().unwrap().frames(input.into_packets(&video));
                forget(frames.next().unwrap().unwrap());
            },
        ];
        for case in forgotten {
            assert_ne!(round(case), Some(true));
        }
        let unwinding = round(&|device| {
            let device = Arc::clone(device);
            let unwound = catch_unwind(AssertUnwindSafe(move || {
                let _encoder = encoder(&device);
                let (input, video) = open(media::standard().path).unwrap();
                let _frame = Decoder::new(&device, &video).open().unwrap().frames(input.into_packets(&video)).next();
                let mut output = Muxer::to_write_seek("mp4", std::io::Cursor::new(Vec::new())).unwrap();
                output.add_copy(&video).unwrap();
                let _output = output.open().unwrap();
                panic!("unwinding through all of them");
            }));
            assert!(unwound.is_err());
        });
        assert_eq!(unwinding, Some(true));
        let sink = round(&|device| {
            let (encoder, _pool) = encoder(device);
            let finish = || encoder.flush().unwrap().finish(Limit::default(), |_| panic!("the sink")).map(drop).is_ok();
            assert!(catch_unwind(AssertUnwindSafe(finish)).is_err());
        });
        assert_eq!(sink, Some(true));

        let device = Arc::new(Device::cuda(0).unwrap());
        let (encoder_, pool) = encoder(&device);
        let frame = pool.frame().unwrap();
        drop(device);
        drop(pool);
        drop(frame);
        drop(encoder_);
        let ended = thread::spawn(|| {
            let device = Arc::new(Device::cuda(0).unwrap());
            let (encoder, pool) = encoder(&device);
            KEEP.with_borrow_mut(|keep| {
                keep.extend([Box::new(OnExit) as Box<dyn Any>, Box::new(encoder), Box::new(pool), Box::new(device)]);
            });
        });
        assert!(ended.join().is_ok());
        let violations = driver.ledger().violations;
        assert!(violations.iter().all(|line| line.contains("never collected")), "{violations:?}");
        static LIVE: Mutex<Option<(Encoder<'static, Cuda>, FramePool<'static, Cuda>)>> = Mutex::new(None);
        *LIVE.lock().unwrap() = Some(encoder(&Arc::new(Device::cuda(0).unwrap())));
    });
}

#[test]
fn devices_pools_and_frames_are_shared_by_threads() {
    isolated("kept::devices_pools_and_frames_are_shared_by_threads", || {
        let driver = simgpu::start().unwrap();
        let device = Arc::new(Device::cuda(0).unwrap());
        let pool = FramePool::new(&device, NV12).unwrap();
        let frame = Arc::new(pool.frame().unwrap());
        let results: Vec<Result<usize>> = thread::scope(|scope| {
            let work = |number: usize| {
                let (device, pool, frame) = (&device, &pool, &frame);
                move || -> Result<usize> {
                    let mut packets = 0;
                    for round in 0..6 {
                        let mut encoder = Encoder::new(pool, TimeBase::hz(25), nvenc::H264::new()).open()?;
                        for pts in 0..4 {
                            let mut next = if (round + number) % 2 == 0 { frame.try_clone()? } else { pool.frame()? };
                            next.set_pts(pts);
                            packets += encoder.send(next)?.filter(|packet| packet.is_ok()).count();
                        }
                        let closed = encoder.flush()?.finish(Limit { outputs: 1000, ..Limit::default() }, |_| {
                            packets += 1;
                            Ok(())
                        });
                        drop(closed?.free());
                        drop(frame.download()?);
                        let (mut input, video) = open(media::standard().path)?;
                        let decoder = Decoder::new(device, &video).open()?;
                        packets += decoder.frames(input.packets(&video)).take(3).filter(|frame| frame.is_ok()).count();
                    }
                    Ok(packets)
                }
            };
            let threads: Vec<_> = (0..4).map(|number| scope.spawn(work(number))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for packets in results {
            assert_eq!(packets.unwrap(), 6 * 7);
        }
        drop((frame, pool));
        Arc::into_inner(device).unwrap().close().unwrap();
        assert!(driver.ledger().violations.is_empty(), "{:?}", driver.ledger().violations);
    });
}
