//! Device memory: bounds, lifetime, address space, host dereferences, byte counts.

mod common;

use common::cuda::{self, Copy2d, DEVICE, HOST, Side};
use std::os::unix::process::ExitStatusExt;

const SIZE: usize = 1000;

#[test]
fn memory_counts_as_alive_until_it_is_freed() {
    let (_turn, gpu) = common::driver();
    let cuda = cuda::open();
    let context = cuda.context();
    let pointer = cuda.allocate(SIZE);
    let ledger = gpu.ledger();
    assert_eq!(ledger.live["device_memory"], 1);
    assert_eq!(ledger.device_bytes_live, SIZE as u64);
    assert_eq!(cuda.free(pointer), 0);
    drop(context);
    let ledger = gpu.ledger();
    assert!(ledger.is_empty(), "{ledger}");
    assert_eq!(ledger.device_bytes_peak, SIZE as u64);
    assert_eq!(ledger.violations, [""; 0]);
}

#[test]
fn an_overrun_is_refused_and_reported() {
    let (_turn, gpu) = common::driver();
    let cuda = cuda::open();
    let _context = cuda.context();
    let pointer = cuda.allocate(SIZE);
    assert_eq!(cuda.fill(pointer, 7, SIZE, 0), 0);
    assert_eq!(gpu.ledger().violations, [""; 0]);
    assert_eq!(cuda.fill(pointer + 1, 7, SIZE, 0), cuda::INVALID_VALUE);
    let violations = gpu.ledger().violations;
    assert!(violations[0].contains("overruns device_memory"), "{violations:?}");
    cuda.free(pointer);
}

#[test]
fn use_after_free_and_double_free_are_recognised() {
    let (_turn, gpu) = common::driver();
    let cuda = cuda::open();
    let _context = cuda.context();
    let pointer = cuda.allocate(SIZE);
    assert_eq!(cuda.free(pointer), 0);
    assert_eq!(cuda.fill(pointer, 7, 1, 0), cuda::INVALID_VALUE);
    assert_eq!(cuda.free(pointer), cuda::INVALID_VALUE);
    assert_eq!(cuda.free(0), 0, "null is no error");
    let violations = gpu.ledger().violations;
    assert!(violations[0].contains("uses freed memory"), "{violations:?}");
    assert!(violations[1].contains("was freed before"), "{violations:?}");
    assert_eq!(violations.len(), 2);
}

#[test]
fn a_context_takes_its_memory_with_it_and_that_is_reported() {
    let (_turn, gpu) = common::driver();
    let cuda = cuda::open();
    let context = cuda.context();
    cuda.allocate(SIZE);
    drop(context);
    let ledger = gpu.ledger();
    assert!(ledger.violations[0].contains("destroyed with 1 dependants: device_memory"), "{ledger}");
    assert!(ledger.is_empty(), "{ledger}");
}

#[test]
fn the_gpu_has_as_much_memory_as_configured() {
    let (_turn, gpu) = common::driver();
    gpu.configure(simgpu::Config { device_memory: 1 << 20, ..Default::default() });
    let cuda = cuda::open();
    let _context = cuda.context();
    let mut pointer = 0;
    assert_eq!(cuda.alloc(&mut pointer, (1 << 20) + 1), cuda::OUT_OF_MEMORY);
    assert_eq!(cuda.alloc(&mut pointer, 1 << 20), 0);
    let mut second = 0;
    assert_eq!(cuda.alloc(&mut second, 1), cuda::OUT_OF_MEMORY);
    assert_eq!(cuda.free(pointer), 0);
    assert_eq!(gpu.ledger().violations, [""; 0], "running out of memory is no mistake");
}

#[test]
fn copies_are_exact_and_counted_by_direction() {
    let (_turn, gpu) = common::driver();
    let cuda = cuda::open();
    let _context = cuda.context();
    let (width, height) = (100, 20);
    let (mut pointer, mut pitch) = (0, 0);
    assert_eq!(cuda.alloc_pitch(&mut pointer, &mut pitch, width, height, 16), 0);
    assert!(pitch > width, "rows are padded");
    let picture: Vec<u8> = (0..width * height).map(|at| (at * 7) as u8).collect();
    let host = |address| Side { kind: HOST, host: address, pitch: width, ..Default::default() };
    let device = || Side { kind: DEVICE, device: pointer, pitch, ..Default::default() };
    let up = Copy2d { from: host(picture.as_ptr() as usize), to: device(), width, height };
    assert_eq!(cuda.copy_2d(&up), 0);
    let mut back = vec![0; width * height];
    let down = Copy2d { from: device(), to: host(back.as_mut_ptr() as usize), width, height };
    assert_eq!(cuda.copy_2d(&down), 0);
    assert_eq!(back, picture);
    // The second row, from its tenth byte.
    let mut bytes = [0_u8; 4];
    let part = Copy2d {
        from: Side { x: 10, y: 1, ..device() },
        to: Side { kind: HOST, host: bytes.as_mut_ptr() as usize, pitch: 4, ..Default::default() },
        width: 4,
        height: 1,
    };
    assert_eq!(cuda.copy_2d(&part), 0);
    assert_eq!(bytes, picture[width + 10..][..4]);
    let counted = gpu.ledger().bytes;
    assert_eq!((counted.host_to_device, counted.device_to_host), (2000, 2004), "without the padding");
    assert_eq!((counted.device_to_device, counted.host_to_host), (0, 0));
    assert_eq!(cuda.free(pointer), 0);
}

#[test]
fn a_device_address_passed_as_host_memory_is_refused() {
    let (_turn, gpu) = common::driver();
    let cuda = cuda::open();
    let _context = cuda.context();
    let (a, b) = (cuda.allocate(SIZE), cuda.allocate(SIZE));
    assert_eq!(cuda.to_device(a, b as *const _, SIZE), cuda::INVALID_VALUE);
    let violations = gpu.ledger().violations;
    assert!(violations[0].contains("passed as host memory"), "{violations:?}");
    cuda.free(a);
    cuda.free(b);
}

#[test]
fn long_runs_do_not_use_up_the_address_space() {
    if common::is_child() {
        let (_turn, gpu) = common::driver();
        let cuda = cuda::open();
        let _context = cuda.context();
        // 3,000 times 8 MiB, with memory in use all the while, are many times the limit below.
        let kept = cuda.allocate(8 << 20);
        for _ in 0..3000 {
            let pointer = cuda.allocate(8 << 20);
            assert_eq!(cuda.fill(pointer, 1, SIZE, 0), 0);
            assert_eq!(cuda.free(pointer), 0);
        }
        assert_eq!(cuda.free(kept), 0);
        assert_eq!(gpu.ledger().violations, [""; 0]);
        return;
    }
    let test = common::child("long_runs_do_not_use_up_the_address_space");
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "ulimit -v 1500000; exec \"$0\" \"$@\""]).arg(test.get_program()).args(test.get_args());
    limited.envs(test.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = common::run(&mut limited);
    assert!(output.status.success(), "{}", common::stderr(&output));
}

#[test]
fn a_host_dereference_of_device_memory_is_a_segmentation_fault() {
    let test = "a_host_dereference_of_device_memory_is_a_segmentation_fault";
    if common::is_child() {
        let (_turn, _gpu) = common::driver();
        let cuda = cuda::open();
        let _context = cuda.context();
        let pointer = cuda.allocate(SIZE);
        // SAFETY: it is not safe: this process must die here, which is what the test is about.
        unsafe { (pointer as *mut u8).write_volatile(1) };
        println!("still alive");
        return;
    }
    let output = common::run(&mut common::child(test));
    assert_eq!(output.status.signal(), Some(libc::SIGSEGV), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("still alive"));
}
