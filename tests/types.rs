//! What the types reject, and the API's auto traits and sizes. What they accept is the test target `ok`.
//!
//! Each `ui/*.rs` must not compile, for the reason that its `.stderr` gives; `ok/` has a file of the same name that must.
//! After a change of the API, `TRYBUILD=overwrite cargo test --test types` writes the `.stderr` anew: read what changed.

use avsluice::{
    Any, Cuda, Decoded, Decoder, Demuxer, Device, Encoder, Error, Failed, Frame, FramePool, Muxer, OrSystem, Packet,
    Stream, System, TeardownReport, Track, cuda, decode, encode, mux, nvenc,
};
use static_assertions::{assert_eq_size, assert_impl_all, assert_not_impl_any};
use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The compiler that wrote the `.stderr` files: every release words some errors anew.
const WRITTEN_BY: &str = "rustc 1.95.";
/// `elsewhere`: the rejected programs are not compiled here. They do not depend on FFmpeg's version.
const UI: &str = "AVSLUICE_TEST_UI";
/// Set for the child process that has another compiler's errors written: the folder with copies of `ui/*.rs`.
const COPIES: &str = "AVSLUICE_UI_COPIES";

#[test]
fn rejected_for_the_recorded_reason() {
    if let Some(copies) = env::var_os(COPIES) {
        return trybuild::TestCases::new().compile_fail(Path::new(&copies).join("*.rs"));
    }
    if env::var_os(UI).is_some_and(|place| place == "elsewhere") {
        // Past libtest, for whoever counts what was skipped.
        let line = b"skipped: rejected_for_the_recorded_reason: no matter of FFmpeg's version, it is run outside of the matrix\n";
        return std::io::Write::write_all(&mut std::io::stderr(), line).unwrap();
    }
    let compiler = Command::new("rustc").arg("--version").output().expect("rustc runs where cargo does").stdout;
    if compiler.starts_with(WRITTEN_BY.as_bytes()) || env::var_os("TRYBUILD").is_some() {
        return trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
    }
    let written = written_by_this_compiler();
    for name in names("ui", "rs") {
        let recorded = first_error(&tests("ui").join(format!("{name}.stderr")));
        assert_eq!(first_error(&written.join(format!("{name}.stderr"))), recorded, "tests/ui/{name}.rs");
    }
}

/// Another compiler's words differ, the error and its line do not: its own `.stderr` files, beside copies of the cases.
fn written_by_this_compiler() -> PathBuf {
    let copies = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui");
    let _ = fs::remove_dir_all(&copies);
    fs::create_dir_all(&copies).unwrap();
    for name in names("ui", "rs") {
        let file = format!("{name}.rs");
        fs::copy(tests("ui").join(&file), copies.join(&file)).unwrap();
    }
    // `overwrite` does not ask for the same words, but still fails if a case compiles.
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "rejected_for_the_recorded_reason", "--nocapture"])
        .env("TRYBUILD", "overwrite")
        .env(COPIES, &copies)
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    copies
}

/// The first error's code, or the kind of a lint's, and its line.
fn first_error(stderr: &Path) -> (String, String) {
    let text = fs::read_to_string(stderr).unwrap_or_else(|error| panic!("{}: {error}", stderr.display()));
    let head = text.lines().find(|line| line.starts_with("error")).expect("an error");
    let place = text.lines().find_map(|line| line.trim_start().strip_prefix("--> ")).expect("its place");
    let line = place.rsplit(':').nth(1).expect("file:line:column");
    (head.split(':').next().unwrap_or_default().into(), line.into())
}

#[test]
fn each_rejection_has_its_reason_and_its_twin() {
    let (rejected, compiled) = (names("ui", "rs"), names("ok", "rs"));
    assert!(rejected.len() > 50, "the cases are found: {rejected:?}");
    assert_eq!(names("ui", "stderr"), rejected, "each case has its .stderr, and no .stderr is left over");
    let without_twin: Vec<_> = rejected.difference(&compiled).collect();
    assert!(without_twin.is_empty(), "no twin in tests/ok: {without_twin:?}");
    let list = fs::read_to_string(tests("ok").join("main.rs")).unwrap();
    let unlisted: Vec<_> =
        compiled.iter().filter(|name| *name != "main" && !list.contains(&format!("\nmod {name};\n"))).collect();
    assert!(unlisted.is_empty(), "not compiled: add them to tests/ok/main.rs: {unlisted:?}");
}

fn tests(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder)
}

/// The names of a folder's files with that extension, without it.
fn names(folder: &str, extension: &str) -> BTreeSet<String> {
    let paths = fs::read_dir(tests(folder)).unwrap().map(|entry| entry.unwrap().path());
    let chosen = paths.filter(|path| path.extension().is_some_and(|found| found == extension));
    chosen.map(|path| path.file_stem().unwrap().to_str().unwrap().into()).collect()
}

// Devices, pools, frames and packets are shared between threads; codecs, demuxer and muxer move between them. Nothing is
// cloned that would hide who owns it.
type Options = encode::Configured<nvenc::H264>;
assert_impl_all!(Device<Cuda>: Send, Sync);
assert_not_impl_any!(Device<Cuda>: Clone);
assert_impl_all!(FramePool<'static, Cuda>: Send, Sync, Clone);
assert_impl_all!(FramePool<'static, Any>: Send, Sync, Clone);
assert_impl_all!(Frame<'static, Cuda>: Send, Sync);
assert_impl_all!(Frame<'static, System>: Send, Sync);
assert_impl_all!(Frame<'static, Any>: Send, Sync);
assert_not_impl_any!(Frame<'static, Cuda>: Clone);
assert_impl_all!(Decoded<'static, Cuda>: Send, Sync);
assert_impl_all!(Packet: Send, Sync);
assert_not_impl_any!(Packet: Clone);
assert_impl_all!(Encoder<'static, Cuda, Options>: Send);
assert_impl_all!(Encoder<'static, Cuda>: Send);
assert_impl_all!(Encoder<'static, Any>: Send);
assert_impl_all!(Encoder<'static, Cuda, encode::Flushing>: Send);
assert_impl_all!(Encoder<'static, Cuda, encode::Closed>: Send);
assert_not_impl_any!(Encoder<'static, Cuda, Options>: Clone);
assert_not_impl_any!(Encoder<'static, Cuda>: Sync, Clone);
assert_not_impl_any!(Encoder<'static, Cuda, encode::Flushing>: Sync, Clone);
assert_impl_all!(Decoder<'static, Cuda, decode::Configured>: Send);
assert_impl_all!(Decoder<'static, Cuda>: Send);
assert_impl_all!(Decoder<'static, OrSystem<Cuda>>: Send);
assert_impl_all!(Decoder<'static, Cuda, decode::Flushing>: Send);
assert_not_impl_any!(Decoder<'static, Cuda>: Sync, Clone);
assert_not_impl_any!(Decoder<'static, Cuda, decode::Flushing>: Sync, Clone);
assert_impl_all!(encode::Ready<'static, Packet>: Send);
assert_impl_all!(Demuxer: Send);
assert_not_impl_any!(Demuxer: Sync, Clone);
assert_impl_all!(Stream: Send, Sync, Clone);
assert_impl_all!(Muxer<mux::Configured>: Send);
assert_impl_all!(Muxer: Send);
assert_not_impl_any!(Muxer: Sync, Clone);
assert_impl_all!(Track: Send, Sync, Copy);
assert_impl_all!(Error: Send, Sync);
assert_not_impl_any!(Failed<Encoder<'static, Cuda>>: std::error::Error);
assert_impl_all!(TeardownReport: Send, Sync);
assert_not_impl_any!(cuda::Context: Send, Sync);

// One pointer each, and a `Result` of them is two at most.
assert_eq_size!(Error, *const ());
assert_eq_size!(Encoder<'static, Cuda>, Option<Encoder<'static, Cuda>>, *const ());
assert_eq_size!(Decoder<'static, Cuda>, Option<Decoder<'static, Cuda>>, *const ());
assert_eq_size!(Frame<'static, Cuda>, Option<Frame<'static, Cuda>>, *const ());
assert_eq_size!(Packet, Option<Packet>, *const ());
assert_eq_size!(Failed<Frame<'static, Cuda>>, [*const (); 2]);
