//! Starting the driver, and not starting it; faults; the log and the report.

mod common;

use common::cuda;
use simgpu::{Fault, StartError};
use std::process::Command;
use tempfile::TempDir;

#[test]
fn starting_twice_gives_the_same_driver() {
    let (_turn, gpu) = common::driver();
    let cuda = cuda::open();
    let context = cuda.context();
    let again = simgpu::start().expect("started already");
    assert_eq!(again.ledger(), gpu.ledger());
    assert_eq!(again.ledger().live["context"], 1);
    drop(context);
}

#[test]
fn without_a_gpu_the_simulation_starts() {
    let (_turn, gpu) = common::driver();
    let found = simgpu::start_if_no_gpu().expect("it can be started");
    assert_eq!(found.expect("it was started before").ledger().live, gpu.ledger().live);
}

#[test]
fn libraries_that_are_missing_are_named() {
    if common::is_child() {
        let error = simgpu::start().expect_err("there are no libraries");
        assert!(matches!(&error, StartError::Library { path, .. } if path.starts_with("/nonexistent")), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("/nonexistent/libsimgpu_libcuda.so") && text.contains("SIMGPU_DIR"), "{text}");
        println!("refused");
        return;
    }
    let mut child = common::child("libraries_that_are_missing_are_named");
    let output = common::run(child.env("SIMGPU_DIR", "/nonexistent"));
    assert!(output.status.success(), "{}", common::stderr(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("refused"));
}

#[test]
fn a_real_driver_that_is_loaded_is_not_replaced() {
    let test = "a_real_driver_that_is_loaded_is_not_replaced";
    if common::is_child() {
        let path = std::env::var_os("FAKE_CUDA").expect("the parent names it");
        // SAFETY: the library was just compiled from one line of C and has no initialisers.
        let fake = unsafe { libloading::os::unix::Library::new(&path) }.expect("it was just compiled");
        assert!(matches!(simgpu::start(), Err(StartError::RealDriverLoaded)));
        // This one has no devices, but it is loaded, and FFmpeg would find it.
        assert!(matches!(simgpu::start_if_no_gpu(), Err(StartError::RealDriverLoaded)));
        println!("refused");
        drop(fake);
        return;
    }
    let directory = TempDir::new().expect("a temporary directory");
    let (source, library) = (directory.path().join("fake.c"), directory.path().join("libcuda.so.1"));
    std::fs::write(&source, "int cuInit(unsigned flags) { (void)flags; return 100; }\n").expect("writable");
    let target = env!("SIMGPU_TARGET");
    let mut build = cc::Build::new();
    build.cargo_metadata(false).target(target).host(target).opt_level(0).out_dir(directory.path());
    let mut command = build.get_compiler().to_command();
    command.args(["-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o"]).arg(&library).arg(&source);
    assert!(common::run(&mut command).status.success());
    let output = common::run(common::child(test).env("FAKE_CUDA", &library));
    assert!(output.status.success(), "{}", common::stderr(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("refused"));
}

#[test]
fn the_libraries_need_no_search_path() {
    if common::is_child() {
        let (_turn, _gpu) = common::driver();
        let cuda = cuda::open();
        let _context = cuda.context();
        println!("started");
        return;
    }
    let mut child = common::child("the_libraries_need_no_search_path");
    let output = common::run(child.env_remove("LD_LIBRARY_PATH").current_dir("/"));
    assert!(String::from_utf8_lossy(&output.stdout).contains("started"), "{}", common::stderr(&output));
}

#[test]
fn a_fault_hits_the_call_it_names() {
    let (_turn, gpu) = common::driver();
    let cuda = cuda::open();
    let _context = cuda.context();
    let fault = |nth, sticky| Fault { function: "cuMemAlloc_v2".into(), nth, status: cuda::OUT_OF_MEMORY, sticky };
    let allocate = || {
        let mut pointer = 0;
        let status = cuda.alloc(&mut pointer, 16);
        cuda.free(pointer);
        status
    };
    gpu.fail(fault(2, false));
    assert_eq!([allocate(), allocate(), allocate()], [0, cuda::OUT_OF_MEMORY, 0]);
    gpu.fail(fault(1, true));
    assert_eq!([allocate(), allocate()], [cuda::OUT_OF_MEMORY; 2]);
    gpu.clear_faults();
    assert_eq!(allocate(), 0);
    let calls = gpu.ledger().calls["cuMemAlloc_v2"];
    assert_eq!((calls.total, calls.failed), (6, 3));
    assert_eq!(gpu.ledger().violations, [""; 0]);
    gpu.reset_counters();
    assert!(!gpu.ledger().calls.contains_key("cuMemAlloc_v2"));
    assert_eq!(gpu.ledger().live["context"], 1, "what is alive stays");
}

#[test]
fn the_log_and_the_report_outlive_a_crash() {
    let test = "the_log_and_the_report_outlive_a_crash";
    if common::is_child() {
        let (_turn, gpu) = common::driver();
        let cuda = cuda::open();
        let _context = cuda.context();
        gpu.note("before the mistake");
        cuda.free(0x1234_5678);
        std::process::abort();
    }
    let directory = TempDir::new().expect("a temporary directory");
    let (log, report) = (directory.path().join("log"), directory.path().join("report.json"));
    let mut child: Command = common::child(test);
    let output = common::run(child.env("SIMGPU_LOG", &log).env("SIMGPU_REPORT", &report));
    assert!(!output.status.success());
    assert!(common::stderr(&output).contains("VIOLATION: cuMemFree"), "{}", common::stderr(&output));
    let log = std::fs::read_to_string(log).expect("the log");
    for line in ["cuInit(flags=0) = 0", "----- before the mistake", "VIOLATION cuMemFree: 0x12345678", "cuMemFree_v2("]
    {
        assert!(log.contains(line), "no {line:?} in {log}");
    }
    let ledger: simgpu::Ledger = serde_json::from_slice(&std::fs::read(report).expect("the report")).expect("JSON");
    assert_eq!(ledger.violations, ["cuMemFree: 0x12345678 is no device address"]);
    assert_eq!(ledger.live["context"], 1);
}
