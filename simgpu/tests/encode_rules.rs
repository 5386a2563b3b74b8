//! The rules that the encoder holds a program to, broken one at a time by a program that calls it without FFmpeg.

mod common;

use common::cuda;
use common::nvenc::{self, Encoder, NEED_MORE_INPUT};

/// Runs `body` on a session, and gives what the ledger then says was wrong.
fn violations(interval: u32, body: impl FnOnce(Encoder<'_>)) -> Vec<String> {
    let (_turn, gpu) = common::driver();
    let (cuda, nvenc) = (cuda::open(), nvenc::open());
    let context = cuda.context();
    body(Encoder::new(&nvenc, &cuda, &context, interval));
    drop(context);
    let ledger = gpu.ledger();
    assert!(ledger.is_empty(), "{ledger}");
    ledger.violations
}

#[test]
fn a_program_that_keeps_the_rules_has_no_violation() {
    let found = violations(1, |encoder| {
        for _ in 0..2 {
            assert_eq!(encoder.encode(0), 0);
            assert!(encoder.take(0) > (nvenc::WIDTH * nvenc::HEIGHT * 3 / 2) as u32);
        }
        assert_eq!(encoder.end(), 0);
        encoder.close();
    });
    assert_eq!(found, [""; 0]);
}

#[test]
fn b_pictures_wait_for_the_anchor_after_them() {
    let found = violations(3, |encoder| {
        assert_eq!(encoder.encode(0), 0);
        encoder.take(0);
        assert_eq!([encoder.encode(0), encoder.encode(1), encoder.encode(2)], [NEED_MORE_INPUT, NEED_MORE_INPUT, 0]);
        for output in 0..3 {
            encoder.take(output);
        }
        encoder.close();
    });
    assert_eq!(found, [""; 0]);
}

#[test]
fn an_output_that_is_not_ready_would_block_for_ever() {
    let found = violations(3, |encoder| {
        encoder.encode(0);
        encoder.take(0);
        assert_eq!(encoder.encode(1), NEED_MORE_INPUT);
        assert_ne!(encoder.nvenc.lock(encoder.session, encoder.outputs[1]).0, 0);
        assert_eq!(encoder.end(), 0);
        encoder.take(1);
        encoder.close();
    });
    assert!(found.len() == 1 && found[0].contains("would block for ever"), "{found:?}");
}

#[test]
fn outputs_are_locked_in_the_order_they_were_sent() {
    let found = violations(1, |encoder| {
        encoder.encode(0);
        encoder.encode(1);
        assert_ne!(encoder.nvenc.lock(encoder.session, encoder.outputs[1]).0, 0);
        encoder.take(0);
        encoder.take(1);
        encoder.close();
    });
    assert!(found.len() == 1 && found[0].contains("not the oldest output"), "{found:?}");
}

#[test]
fn an_input_stays_mapped_and_as_it_was_while_in_flight() {
    let found = violations(1, |encoder| {
        encoder.encode(0);
        assert_eq!(encoder.cuda.fill(encoder.memory, 99, 64, 0), 0);
        encoder.take(0);
        encoder.encode(0);
        assert_eq!(encoder.nvenc.unmap(encoder.session, encoder.mapped), 0);
        encoder.take(0);
        let mapped = encoder.nvenc.map(encoder.session, encoder.registered);
        Encoder { mapped, ..encoder }.close();
    });
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("changed while it was in flight"), "{found:?}");
    assert!(found[1].contains("nvEncUnmapInputResource") && found[1].contains("in flight"), "{found:?}");
}

#[test]
fn a_session_is_drained_before_it_is_destroyed() {
    let found = violations(1, |encoder| {
        encoder.encode(0);
        assert_eq!(encoder.end(), 0);
        encoder.close();
    });
    assert!(found.len() == 1 && found[0].contains("1 of 1 pictures"), "{found:?}");
}

#[test]
fn a_session_goes_after_what_belongs_to_it() {
    let found = violations(1, |encoder| {
        assert_eq!(encoder.nvenc.destroy(encoder.session), 0);
        assert_ne!(encoder.nvenc.unregister(encoder.session, encoder.registered), 0);
        assert_eq!(encoder.cuda.free(encoder.memory), 0);
    });
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("5 resources left"), "{found:?}");
    assert!(found[1].contains("encode_session") && found[1].contains("was destroyed before"), "{found:?}");
}

#[test]
fn memory_is_unregistered_before_it_is_freed() {
    let found = violations(1, |encoder| {
        assert_eq!(encoder.cuda.free(encoder.memory), 0);
        assert_ne!(encoder.encode(0), 0, "the encoder cannot read it");
        let memory = encoder.cuda.allocate(16);
        Encoder { memory, ..encoder }.close();
    });
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("still registered"), "{found:?}");
    assert!(found[1].contains("uses freed memory"), "{found:?}");
}

#[test]
fn memory_that_is_too_small_is_not_registered() {
    let found = violations(1, |encoder| {
        let small = encoder.cuda.allocate(512 * nvenc::HEIGHT);
        assert_ne!(encoder.nvenc.register(encoder.session, small).0, 0);
        encoder.cuda.free(small);
        encoder.close();
    });
    assert!(found.len() == 1 && found[0].contains("overruns"), "{found:?}");
}

#[test]
fn the_sessions_context_is_current_when_the_encoder_works() {
    let found = violations(1, |encoder| {
        let mut context = 0;
        assert_eq!(encoder.cuda.ctx_pop(&mut context), 0);
        encoder.encode(0);
        assert_eq!(encoder.cuda.ctx_push(context), 0);
        encoder.take(0);
        encoder.close();
    });
    assert!(found.len() == 1 && found[0].contains("nvEncEncodePicture: context 0x0 is current"), "{found:?}");
}

#[test]
fn sessions_are_limited_and_work_at_the_same_time() {
    let (_turn, gpu) = common::driver();
    gpu.configure(simgpu::Config { max_sessions: 4, ..Default::default() });
    let (cuda, nvenc) = (cuda::open(), nvenc::open());
    let context = cuda.context();
    let opened = std::sync::Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                assert_eq!(cuda.ctx_push(context.0), 0);
                let encoder = Encoder::new(&nvenc, &cuda, &context, 1);
                opened.wait();
                assert_eq!(nvenc.open_session(context.0).0, 10, "the fifth is one too many");
                opened.wait();
                for _ in 0..10 {
                    assert_eq!(encoder.encode(0), 0);
                    encoder.take(0);
                }
                encoder.close();
            });
        }
    });
    drop(context);
    let ledger = gpu.ledger();
    assert!(ledger.is_empty(), "{ledger}");
    assert_eq!(ledger.violations, [""; 0]);
    assert_eq!(ledger.sessions.iter().map(|session| session.packets_out).collect::<Vec<_>>(), [10; 4]);
}
