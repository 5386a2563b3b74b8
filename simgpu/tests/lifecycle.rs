//! What the ledger says when a program over FFmpeg's API does things in the right order, and in wrong ones.

mod common;

use common::program::{Run, compile, run_simulated};
use std::path::PathBuf;
use std::sync::LazyLock;
use tempfile::TempDir;

static PROGRAM: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let directory = TempDir::new().expect("a temporary directory");
    let program = compile("lifecycle.c", directory.path());
    (directory, program)
});

fn run(mode: &str) -> Run {
    run_simulated(&PROGRAM.1, |command| {
        command.arg(mode);
    })
}

fn succeeded(mode: &str) -> Run {
    let run = run(mode);
    assert!(run.output.status.success(), "{mode}: {:?} {}", run.output.status, common::stderr(&run.output));
    run
}

fn packets(run: &Run) -> String {
    String::from_utf8_lossy(&run.output.stdout).trim().to_owned()
}

#[test]
fn the_right_order_leaves_nothing() {
    for mode in ["normal", "device_first"] {
        let run = succeeded(mode);
        assert_eq!(packets(&run), "8 packets");
        assert!(run.ledger.is_empty(), "{}", run.ledger);
        assert_eq!(run.ledger.violations, [""; 0]);
    }
}

#[test]
fn freeing_without_a_flush_loses_pictures() {
    let run = succeeded("no_flush");
    let session = &run.ledger.sessions[0];
    assert_eq!(packets(&run), format!("{} packets", session.packets_out));
    let lost = session.pictures_in - session.packets_out;
    assert!((1..8).contains(&lost), "{}", run.ledger);
    assert!(run.ledger.is_empty(), "FFmpeg's close releases all: {}", run.ledger);
    assert_eq!(run.ledger.violations.len(), 1, "{}", run.ledger);
    assert!(run.ledger.violations[0].contains(&format!("{lost} of 8 pictures")), "{}", run.ledger);
}

#[test]
fn the_applications_context_destroyed_early_strands_the_session() {
    let run = succeeded("early_context");
    let ledger = &run.ledger;
    assert!(ledger.violations[0].contains("dependants"), "{ledger}");
    assert_eq!(ledger.live["encode_session"], 1, "{ledger}");
    assert!(ledger.live["bitstream_buffer"] > 0 && ledger.live["registered_resource"] > 0, "{ledger}");
}

#[test]
fn frames_of_a_pool_that_goes_first_are_freed_while_registered() {
    let run = succeeded("other_pool");
    let ledger = &run.ledger;
    assert!(!ledger.violations.is_empty(), "{ledger}");
    assert!(ledger.violations.iter().all(|violation| violation.contains("still registered")), "{ledger}");
}

#[test]
fn a_picture_changed_in_flight_is_noticed() {
    let run = succeeded("scribble");
    let changed = |violation: &&String| violation.contains("changed while it was in flight");
    assert_eq!(run.ledger.violations.iter().filter(changed).count(), 1, "{}", run.ledger);
}

#[test]
fn a_new_bit_rate_is_taken_and_costs_an_idr_picture() {
    let run = succeeded("bitrate");
    let session = &run.ledger.sessions[0];
    assert_eq!((session.reconfigured, session.bit_rate), (1, 3_000_000), "{}", run.ledger);
    assert_eq!((session.idr, session.forced_idr), (2, 0));
    assert_eq!(run.ledger.violations, [""; 0]);
    assert_eq!(succeeded("normal").ledger.sessions[0].idr, 1);
}

#[test]
fn a_hundred_cycles_leave_nothing() {
    let run = succeeded("soak");
    assert!(run.ledger.is_empty(), "{}", run.ledger);
    assert_eq!(run.ledger.violations, [""; 0]);
    assert_eq!(run.ledger.sessions.len(), 100);
    assert!(run.ledger.device_bytes_peak < 8 << 20, "memory does not add up: {}", run.ledger.device_bytes_peak);
}
