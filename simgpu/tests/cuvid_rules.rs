//! The rules of libnvcuvid: what the SIMULATED driver answers to a program that breaks them, and what it notes.

mod common;
mod h264;
mod nvcuvid;

use common::cuda;
use h264::{FRAMES, Kind, Parameters, Pic, Stream};
use nvcuvid::{
    CONTEXT_IS_DESTROYED, Cuvid, Fields, HEVC, INVALID_CONTEXT, INVALID_HANDLE, INVALID_VALUE, MAP_FAILED,
    NOT_SUPPORTED, Player, create_info,
};
use simgpu::Simgpu;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};

const SIDE: u64 = h264::SIDE as u64;

fn stream(pictures: u32) -> Vec<u8> {
    let mut stream = Stream::new(FRAMES, &[Parameters::default()]);
    stream.push(&Pic::idr());
    (1..pictures).for_each(|at| stream.push(&Pic::new(Kind::P, at, 2 * at as i32)));
    stream.bytes
}

/// A decoder with pictures in its surfaces, in a context of its own.
fn with_pictures(outputs: u64, body: impl FnOnce(&Simgpu, &cuda::Cuda, &Cuvid, usize)) {
    let (_turn, gpu) = common::driver();
    let (cuda, cuvid) = (cuda::open(), nvcuvid::open());
    let context = cuda.context();
    let player = Player::new(&cuvid, 8, outputs);
    assert_eq!(player.feed(&stream(4), 1, None), 0);
    assert_eq!(player.displayed().len(), 4);
    body(&gpu, &cuda, &cuvid, player.decoder.get());
    let live = gpu.ledger().live;
    assert_eq!(cuvid.parser_destroy(player.parser.get()), 0);
    if live.contains_key("decoder") {
        assert_eq!(cuvid.destroy(player.decoder.get()), 0);
    }
    drop(context);
    assert!(gpu.ledger().is_empty(), "{}", gpu.ledger());
}

fn map(cuvid: &Cuvid, decoder: usize, index: i32) -> Result<(u64, u32), u32> {
    let (mut pointer, mut pitch) = (0, 0);
    match cuvid.map(decoder, index, &mut pointer, &mut pitch, &Fields::new().with(0, 1)) {
        0 => Ok((pointer, pitch)),
        error => Err(error),
    }
}

#[track_caller]
fn assert_violation(gpu: &Simgpu, part: &str) {
    let violations = gpu.ledger().violations;
    assert!(violations.len() == 1 && violations[0].contains(part), "{part}: {violations:?}");
    gpu.reset_counters();
}

#[test]
fn mapped_frames_are_device_memory_until_they_are_unmapped() {
    with_pictures(2, |gpu, cuda, cuvid, decoder| {
        let (pointer, pitch) = map(cuvid, decoder, 0).expect("it was decoded");
        assert_eq!(pitch, 512);
        assert_eq!(gpu.ledger().live["mapped_frame"], 1);
        let mut frame = vec![0_u8; 512 * 96];
        assert_eq!(cuda.to_host(frame.as_mut_ptr().cast(), pointer, frame.len()), 0);
        assert!(frame[..64].iter().any(|sample| *sample != frame[0]), "there is a picture in it");
        assert_eq!(cuda.to_host(frame.as_mut_ptr().cast(), pointer, frame.len() + 1), INVALID_VALUE);
        assert_violation(gpu, "overruns mapped_frame");
        assert_eq!(cuvid.unmap(decoder, pointer), 0);
        assert_eq!(gpu.ledger().violations, [""; 0]);
        assert_eq!(cuda.to_host(frame.as_mut_ptr().cast(), pointer, 16), INVALID_VALUE);
        assert_violation(gpu, "uses freed memory");
        assert_eq!(cuvid.unmap(decoder, pointer), INVALID_VALUE);
        assert_violation(gpu, "is not mapped");
        assert_eq!(gpu.ledger().decoders[0].frames_mapped, 1);
    });
}

#[test]
fn no_more_frames_are_mapped_than_there_are_output_surfaces() {
    with_pictures(2, |gpu, _, cuvid, decoder| {
        let first = map(cuvid, decoder, 0).expect("one");
        let second = map(cuvid, decoder, 1).expect("two");
        assert_eq!(map(cuvid, decoder, 2), Err(MAP_FAILED));
        assert_eq!(gpu.ledger().violations, [""; 0], "an answer that a program may count on");
        [first, second].into_iter().for_each(|(pointer, _)| assert_eq!(cuvid.unmap(decoder, pointer), 0));
        let (pointer, _) = map(cuvid, decoder, 2).expect("there is room again");
        assert_eq!(cuvid.unmap(decoder, pointer), 0);
        assert_eq!(gpu.ledger().violations, [""; 0]);
    });
}

#[test]
fn pictures_that_were_never_decoded_are_not_mapped() {
    with_pictures(1, |gpu, _, cuvid, decoder| {
        assert_eq!(map(cuvid, decoder, 7), Err(INVALID_VALUE));
        assert_violation(gpu, "picture 7 was never decoded");
        for index in [-1, 8, i32::MAX] {
            assert_eq!(map(cuvid, decoder, index), Err(INVALID_VALUE));
            assert_violation(gpu, "out of range");
        }
    });
}

#[test]
fn a_decoder_goes_after_its_frames_are_unmapped() {
    with_pictures(2, |gpu, _, cuvid, decoder| {
        map(cuvid, decoder, 0).expect("it was decoded");
        map(cuvid, decoder, 1).expect("it was decoded");
        assert_eq!(cuvid.destroy(decoder), 0);
        assert_violation(gpu, "2 frames are still mapped");
        assert_eq!(gpu.ledger().live.get("mapped_frame"), None);
        assert_eq!(cuvid.destroy(decoder), INVALID_HANDLE);
        assert_violation(gpu, "was destroyed before");
        assert_eq!(map(cuvid, decoder, 0), Err(INVALID_HANDLE));
        assert_violation(gpu, "was destroyed before");
    });
}

#[test]
fn a_decoder_goes_before_its_context() {
    let (_turn, gpu) = common::driver();
    let (cuda, cuvid) = (cuda::open(), nvcuvid::open());
    let context = cuda.context();
    let mut decoder = 0;
    assert_eq!(cuvid.create(&mut decoder, &create_info(SIDE, SIDE, 4, 1)), 0);
    let other = cuda.context();
    assert_eq!(map(&cuvid, decoder, 0), Err(INVALID_CONTEXT));
    assert_violation(&gpu, "context");
    cuda.ctx_destroy(context.0);
    gpu.reset_counters();
    assert_eq!(map(&cuvid, decoder, 0), Err(CONTEXT_IS_DESTROYED));
    assert_violation(&gpu, "context");
    assert_eq!(cuvid.destroy(decoder), 0);
    assert_violation(&gpu, "outlived its context");
    drop(other);
    std::mem::forget(context);
}

#[test]
fn without_a_context_nothing_is_decoded() {
    let (_turn, _gpu) = common::driver();
    let cuvid = nvcuvid::open();
    let mut decoder = 0;
    assert_eq!(cuvid.create(&mut decoder, &create_info(SIDE, SIDE, 4, 1)), INVALID_CONTEXT);
    assert_eq!(cuvid.caps(&mut Fields::new().with(0, nvcuvid::H264).with(4, 1)), INVALID_CONTEXT);
}

#[test]
fn impossible_decoders_are_not_created() {
    let (_turn, gpu) = common::driver();
    let (cuda, cuvid) = (cuda::open(), nvcuvid::open());
    let context = cuda.context();
    let whole = create_info(SIDE, SIDE, 4, 1);
    let cases = [
        ("33 surfaces", create_info(SIDE, SIDE, 33, 1), INVALID_VALUE),
        ("no surface", create_info(SIDE, SIDE, 0, 1), INVALID_VALUE),
        ("no output", create_info(SIDE, SIDE, 4, 0), INVALID_VALUE),
        ("no target", whole.with(96, 0_u64), INVALID_VALUE),
        ("too large", create_info(8192, 64, 4, 1), NOT_SUPPORTED),
        ("too small", create_info(32, 32, 4, 1), NOT_SUPPORTED),
        ("HEVC", whole.with(24, HEVC), NOT_SUPPORTED),
        ("4:2:2", whole.with(28, 2), NOT_SUPPORTED),
        ("10 bits", whole.with(40, 2_u64), NOT_SUPPORTED),
        ("P016", whole.with(88, 1), NOT_SUPPORTED),
    ];
    for (name, info, expected) in cases {
        let mut decoder = 0;
        assert_eq!(cuvid.create(&mut decoder, &info), expected, "{name}");
        assert_eq!(decoder, 0, "{name}");
    }
    assert_eq!(cuvid.create(null_mut(), &whole), INVALID_VALUE);
    assert_eq!(cuvid.create(&mut 0, std::ptr::null()), INVALID_VALUE);
    let ledger = gpu.ledger();
    assert_eq!((ledger.live.get("decoder"), ledger.violations.len()), (None, 0), "a refusal is no violation");
    drop(context);
}

#[test]
fn capabilities_are_those_of_an_8_bit_h264_decoder() {
    let (_turn, _gpu) = common::driver();
    let (cuda, cuvid) = (cuda::open(), nvcuvid::open());
    let _context = cuda.context();
    let ask = |codec: u32, chroma: u32, depth: u32| {
        let mut caps = Fields::new().with(0, codec).with(4, chroma).with(8, depth);
        assert_eq!(cuvid.caps(&mut caps), 0);
        (caps.0[24], caps.u32(28), caps.u32(32), caps.u32(40))
    };
    assert_eq!(ask(nvcuvid::H264, 1, 0), (1, 4096, 4096, 48 | 16 << 16));
    for (codec, chroma, depth) in [(HEVC, 1, 0), (nvcuvid::H264, 2, 0), (nvcuvid::H264, 1, 2), (99, 1, 0)] {
        assert_eq!(ask(codec, chroma, depth), (0, 0, 0, 0));
    }
}

#[test]
fn picture_parameters_are_checked() {
    let (_turn, gpu) = common::driver();
    let (cuda, cuvid) = (cuda::open(), nvcuvid::open());
    let _context = cuda.context();
    let mut decoder = 0;
    assert_eq!(cuvid.create(&mut decoder, &create_info(SIDE, SIDE, 4, 1)), 0);
    let pic = |width: u32, index: i32| Fields::<4280>::new().with(0, width).with(4, 4).with(8, index).with(184 + 16, 1);
    let decode = |mut params: Fields<4280>| cuvid.decode(decoder, params.0.as_mut_ptr().cast());
    for index in [-1, 4] {
        assert_eq!(decode(pic(4, index)), INVALID_VALUE);
        assert_violation(&gpu, "out of range");
    }
    for width in [0, 5, 1 << 30] {
        assert_eq!(decode(pic(width, 0)), INVALID_VALUE);
        assert_violation(&gpu, "macroblocks");
    }
    // Within range, with nothing to decode: a grey picture with an error status, as after a broken slice.
    assert_eq!(decode(pic(4, 2)), 0);
    let mut status = Fields::new();
    assert_eq!((cuvid.status(decoder, 2, &mut status), status.u32(0)), (0, 8));
    assert_eq!((cuvid.status(decoder, 1, &mut status), status.u32(0)), (0, 0));
    let (pointer, _) = map(&cuvid, decoder, 2).expect("there is a picture");
    let mut sample = 0_u8;
    assert_eq!(cuda.to_host((&raw mut sample).cast(), pointer, 1), 0);
    assert_eq!(sample, 128);
    assert_eq!(cuvid.unmap(decoder, pointer), 0);
    // A reference picture is not overwritten: dpb[0] has PicIdx 3 and is used.
    let overwriting = pic(4, 3).with(184 + 104, 3).with(184 + 104 + 16, 3);
    assert_eq!(decode(overwriting), 0);
    assert_violation(&gpu, "overwritten while it is a reference");
    // What is wrong in the codec's fields is refused, and the picture cannot be mapped.
    assert_eq!(decode(pic(4, 1).with(184 + 56, 100)), INVALID_VALUE);
    assert_eq!(map(&cuvid, decoder, 1), Err(MAP_FAILED));
    assert_eq!(decode(pic(4, 1).with(184 + 29, 2)), NOT_SUPPORTED, "10 bits");
    assert_eq!(gpu.ledger().violations, [""; 0]);
    assert_eq!(cuvid.destroy(decoder), 0);
}

#[test]
fn a_decoder_is_reconfigured_within_its_maximum() {
    let (_turn, gpu) = common::driver();
    let (cuda, cuvid) = (cuda::open(), nvcuvid::open());
    let _context = cuda.context();
    let mut decoder = 0;
    assert_eq!(cuvid.create(&mut decoder, &create_info(128, 128, 4, 1).with(56, 256_u64).with(64, 256_u64)), 0);
    let info = |side: u32| Fields::new().with(0, side).with(4, side).with(8, side).with(12, side).with(16, 6);
    assert_eq!(cuvid.reconfigure(decoder, &info(SIDE as u32)), 0);
    assert_eq!(cuvid.reconfigure(decoder, &info(256)), 0);
    assert_eq!(cuvid.reconfigure(decoder, &info(272)), INVALID_VALUE);
    assert_eq!(cuvid.reconfigure(decoder, &info(256).with(16, 33)), INVALID_VALUE);
    assert_eq!(gpu.ledger().violations, [""; 0]);
    assert_eq!(cuvid.destroy(decoder), 0);
}

#[test]
fn a_context_lock_is_held_by_one_thread() {
    let (_turn, gpu) = common::driver();
    let (cuda, cuvid) = (cuda::open(), nvcuvid::open());
    let context = cuda.context();
    let mut lock = 0;
    assert_eq!(cuvid.lock_create(&mut lock, context.0), 0);
    let released = AtomicBool::new(false);
    assert_eq!(cuvid.lock(lock, 0), 0);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            assert_eq!(cuvid.lock(lock, 0), 0);
            assert!(released.load(Ordering::SeqCst), "it was held");
            let mut current = 0;
            assert_eq!((cuda.ctx_current(&mut current), current), (0, context.0), "the lock makes its context current");
            assert_eq!(cuvid.unlock(lock, 0), 0);
            assert_eq!((cuda.ctx_current(&mut current), current), (0, 0));
        });
        released.store(true, Ordering::SeqCst);
        assert_eq!(cuvid.unlock(lock, 0), 0);
        waiting.join().expect("it got the lock");
    });
    assert_eq!(gpu.ledger().violations, [""; 0]);
    assert_eq!(cuvid.unlock(lock, 0), INVALID_VALUE);
    assert_violation(&gpu, "not held by this thread");
    assert_eq!(cuvid.lock_destroy(lock), 0);
    assert_eq!(cuvid.lock(lock, 0), INVALID_HANDLE);
    assert_violation(&gpu, "was destroyed before");
    drop(context);
}

#[test]
fn video_sources_are_refused() {
    let (_turn, _gpu) = common::driver();
    let cuvid = nvcuvid::open();
    assert_eq!(cuvid.source_create(&mut 0, c"a.h264".as_ptr(), null_mut()), NOT_SUPPORTED);
    assert_eq!(cuvid.source_state(0) as i32, -1, "cudaVideoState_Error");
}
