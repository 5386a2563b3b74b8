//! What the tests share. The driver and its ledger are the process's, so tests that use them take turns.
#![allow(dead_code)] // each test file uses a part

pub mod cuda;
pub mod nvenc;
pub mod program;

use simgpu::{Config, Simgpu};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

static TURN: Mutex<()> = Mutex::new(());
const CHILD: &str = "SIMGPU_TEST_CHILD";
const LIMIT: Duration = Duration::from_secs(60);

/// The driver, with fresh counters and the default machine, until the guard goes.
pub fn driver() -> (MutexGuard<'static, ()>, Simgpu) {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let gpu = simgpu::start().expect("the driver is built beside the test");
    gpu.configure(Config::default());
    gpu.clear_faults();
    gpu.reset_counters();
    (turn, gpu)
}

/// Whether this process is the child that runs the test's dangerous part.
pub fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Runs the named test again, in a child process.
pub fn child(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a test has a program"));
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(CHILD, "1");
    command
}

/// Runs a program to its end, or kills it after a minute.
pub fn run(command: &mut Command) -> Output {
    let name = format!("{command:?}");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null()).spawn();
    let child = child.as_mut().unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut readers = Vec::new();
    let (out, err) = (child.stdout.take(), child.stderr.take());
    readers.push(std::thread::spawn(move || read(out)));
    readers.push(std::thread::spawn(move || read(err)));
    let end = Instant::now() + LIMIT;
    let status = loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            break status;
        }
        if Instant::now() > end {
            let _ = child.kill();
            panic!("{name} did not end within {LIMIT:?}");
        }
        // Not a synchronisation: only how often the end is looked for.
        std::thread::sleep(Duration::from_millis(5));
    };
    let mut read = readers.into_iter().map(|reader| reader.join().unwrap_or_default());
    Output { status, stdout: read.next().unwrap_or_default(), stderr: read.next().unwrap_or_default() }
}

fn read(from: Option<impl std::io::Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        let _ = from.read_to_end(&mut bytes);
    }
    bytes
}

/// The standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
