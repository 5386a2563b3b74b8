//! Contexts: the stack, lifetimes, primary contexts, streams.

mod common;

use common::cuda::{self, Cuda};

fn current(cuda: &Cuda) -> usize {
    let mut context = 1;
    assert_eq!(cuda.ctx_current(&mut context), 0);
    context
}

#[test]
fn the_stack_is_each_threads_own() {
    let (_turn, gpu) = common::driver();
    let cuda = cuda::open();
    let first = cuda.context();
    let second = cuda.context();
    assert_eq!(current(&cuda), second.0);
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(current(&cuda), 0));
    });
    let mut popped = 0;
    assert_eq!(cuda.ctx_pop(&mut popped), 0);
    assert_eq!(popped, second.0);
    assert_eq!(current(&cuda), first.0);
    drop((second, first));
    assert_eq!(current(&cuda), 0);
    assert_eq!(gpu.ledger().violations, [""; 0]);
    assert_eq!(cuda.ctx_pop(&mut popped), cuda::INVALID_CONTEXT);
    assert_eq!(gpu.ledger().violations, ["cuCtxPopCurrent: no context is current"]);
}

#[test]
fn work_without_a_context_or_with_a_destroyed_one_fails() {
    let (_turn, gpu) = common::driver();
    let cuda = cuda::open();
    let mut pointer = 0;
    assert_eq!(cuda.alloc(&mut pointer, 1), cuda::INVALID_CONTEXT);
    let context = cuda.context().0; // destroyed here
    assert_eq!(cuda.ctx_push(context), cuda::INVALID_CONTEXT);
    assert!(gpu.ledger().violations[0].contains("was destroyed before"));
    // Destroyed while it is current in another thread.
    let mut context = 0;
    assert_eq!(cuda.ctx_create(&mut context, 0, 0), 0);
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(cuda.ctx_destroy(context), 0));
    });
    assert_eq!(cuda.alloc(&mut pointer, 1), cuda::CONTEXT_IS_DESTROYED);
    let mut popped = 0;
    assert_eq!(cuda.ctx_pop(&mut popped), 0);
}

#[test]
fn a_primary_context_lives_as_long_as_it_is_retained() {
    let (_turn, gpu) = common::driver();
    let cuda = cuda::open();
    let (mut first, mut second, mut flags, mut active) = (0, 0, 0, 0);
    assert_eq!(cuda.primary_set_flags(0, 4), 0);
    assert_eq!(cuda.primary_retain(&mut first, 0), 0);
    assert_eq!(cuda.primary_retain(&mut second, 0), 0);
    assert_eq!(first, second);
    assert_eq!(cuda.primary_set_flags(0, 4), 0, "the same flags are no change");
    assert_eq!(cuda.primary_set_flags(0, 1), cuda::PRIMARY_CONTEXT_ACTIVE);
    assert_eq!(cuda.primary_state(0, &mut flags, &mut active), 0);
    assert_eq!((flags, active), (4, 1));
    assert_eq!(cuda.primary_release(0), 0);
    assert_eq!(gpu.ledger().live["context"], 1);
    assert_eq!(cuda.primary_release(0), 0);
    assert!(gpu.ledger().is_empty());
    assert_eq!(gpu.ledger().violations, [""; 0]);
    assert_eq!(cuda.primary_release(0), cuda::INVALID_CONTEXT);
    assert_eq!(gpu.ledger().violations.len(), 1);
    assert_eq!(cuda.primary_set_flags(0, 0), 0);
}

#[test]
fn there_are_as_many_devices_as_configured() {
    let (_turn, gpu) = common::driver();
    gpu.configure(simgpu::Config { devices: 2, ..Default::default() });
    let cuda = cuda::open();
    let (mut count, mut device) = (0, 0);
    assert_eq!(cuda.device_count(&mut count), 0);
    assert_eq!(count, 2);
    assert_eq!(cuda.device_get(&mut device, 1), 0);
    assert_eq!(cuda.device_get(&mut device, 2), cuda::INVALID_DEVICE);
    gpu.configure(simgpu::Config { devices: 0, ..Default::default() });
    assert_eq!(cuda.init(0), 100, "CUDA_ERROR_NO_DEVICE");
}

#[test]
fn streams_are_counted_and_checked() {
    let (_turn, gpu) = common::driver();
    let cuda = cuda::open();
    let _context = cuda.context();
    let mut stream = 0;
    assert_eq!(cuda.stream_create(&mut stream, 1), 0);
    assert_eq!(gpu.ledger().live["stream"], 1);
    assert_eq!(cuda.stream_synchronize(stream), 0);
    assert_eq!(cuda.stream_destroy(stream), 0);
    assert!(!gpu.ledger().live.contains_key("stream"));
    assert_eq!(gpu.ledger().violations, [""; 0]);
    assert_ne!(cuda.stream_synchronize(stream), 0);
    assert!(gpu.ledger().violations[0].contains("stream"));
}
