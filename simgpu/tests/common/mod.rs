//! What the tests share. The driver and its ledger are the process's, so tests that use them take turns.
#![allow(dead_code)] // each test file uses a part

pub mod cuda;
pub mod nvenc;
pub mod program;
#[path = "../../../xtask/src/progress.rs"]
mod progress;

use progress::Progress;
use simgpu::{Config, Simgpu};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

static TURN: Mutex<()> = Mutex::new(());
const CHILD: &str = "SIMGPU_TEST_CHILD";
/// How long a program may be silent and idle, and what it may compute without a word: more hangs.
const LIMITS: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(600));

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

/// Runs a program to its end, or kills it when it makes no progress.
pub fn run(command: &mut Command) -> Output {
    let name = format!("{command:?}");
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null()).process_group(0);
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut progress = Progress::new(child.id(), LIMITS.0, LIMITS.1);
    let (said, events) = mpsc::channel();
    read(0, child.stdout.take(), said.clone());
    read(1, child.stderr.take(), said);
    let mut texts = [Vec::new(), Vec::new()];
    // Both pipes end when the child does, and with them the channel.
    loop {
        match events.recv_timeout(progress.patience()) {
            Ok((index, bytes)) => {
                texts[index].extend(bytes);
                progress.spoke();
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                if let Some(why) = progress.hung() {
                    let _ = Command::new("sh").args(["-c", &format!("kill -s KILL -- -{}", child.id())]).status();
                    panic!("{name} hung ({why}): {}", String::from_utf8_lossy(&texts.concat()));
                }
            }
        }
    }
    let [stdout, stderr] = texts;
    Output { status: child.wait().expect("it is our child"), stdout, stderr }
}

fn read(index: usize, from: Option<impl Read + Send + 'static>, said: mpsc::Sender<(usize, Vec<u8>)>) {
    std::thread::spawn(move || {
        let mut bytes = vec![0; 1 << 16];
        let Some(mut from) = from else { return };
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            if said.send((index, bytes[..count].to_vec())).is_err() {
                break;
            }
        }
    });
}

/// The standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
