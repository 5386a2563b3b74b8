//! What the integration tests share.
#![allow(dead_code)] // each test program uses its own part

pub mod codecs;
#[path = "../../xtask/src/progress.rs"]
mod progress;

use avsluice::{Demuxer, Format, Frame, PixelFormat, Result, Stream, System, TimeBase};
use progress::Progress;
use simgpu::Simgpu;
use std::{
    ffi::OsString,
    io::Read,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// A small picture that every encoder here takes.
pub const NV12: Format = Format { width: 160, height: 96, pixels: PixelFormat::Nv12 };
pub const YUV420P: Format = Format { pixels: PixelFormat::Yuv420p, ..NV12 };
pub const CLOCK: TimeBase = TimeBase::hz(25);

/// A moving picture: each sample depends on its place and on the frame's number.
pub fn picture(format: Format, number: usize) -> Frame<'static, System> {
    let mut frame = Frame::system(format).unwrap();
    let mut index = 0;
    while let Some(plane) = frame.plane_mut(index) {
        for (y, line) in plane.lines_mut().enumerate() {
            for (x, sample) in line.iter_mut().enumerate() {
                *sample = (x * 3 + y * 5 + number * 7 + index * 64) as u8;
            }
        }
        index += 1;
    }
    frame.set_pts(number as i64);
    frame
}

/// The bytes of a picture, plane by plane, without padding.
pub fn bytes(frame: &Frame<System>) -> Vec<u8> {
    (0..3).flat_map(|index| frame.plane(index).lines().flatten().copied().collect::<Vec<_>>()).collect()
}

/// The MD5 of the picture as NV12, as the test streams' publisher has it.
pub fn md5(frame: &Frame<System>) -> String {
    let Format { width, height, pixels } = frame.format();
    let (width, height) = (width as usize, height as usize);
    let rows = [0, 1, 2].map(|index| frame.plane(index).lines().flatten().copied().collect::<Vec<u8>>());
    let plane = |index: usize| media::Plane { data: &rows[index], pitch: frame.plane(index).row_bytes };
    let picture = match pixels {
        PixelFormat::Nv12 => media::Picture::Nv12 { width, height, luma: plane(0), chroma: plane(1) },
        PixelFormat::Yuv420p => media::Picture::Yuv420p { width, height, y: plane(0), u: plane(1), v: plane(2) },
        other => panic!("no hash of {other}"),
    };
    picture.md5()
}

/// A file and its video stream.
pub fn open(path: impl AsRef<Path>) -> Result<(Demuxer, Stream)> {
    let file = Demuxer::open(path)?;
    let video = file.video()?;
    Ok((file, video))
}

/// How long a child may be silent and idle before it counts as hung.
const IDLE: Duration = Duration::from_secs(120);
/// What it may compute without a word: the longest run is 30 s of CPU time, under memcheck ten times that.
const MOST_CPU: Duration = Duration::from_secs(600);

/// A program that has ended, or was killed.
pub struct Ran {
    pub output: Output,
    /// Why it counted as hung, if it did.
    pub hung: Option<String>,
}

/// Runs a program to its end, or kills it when it makes no progress.
pub fn run(command: &mut Command) -> Ran {
    run_watched(command, IDLE, MOST_CPU)
}

/// The same, for other limits: see [`Progress`].
pub fn run_watched(command: &mut Command, idle: Duration, most_cpu: Duration) -> Ran {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().unwrap();
    let mut progress = Progress::new(child.id(), idle, most_cpu);
    let (said, events) = mpsc::channel::<(usize, Vec<u8>)>();
    // Both pipes end when the child does, and with them the threads and the channel.
    let read = |index, mut pipe: Box<dyn Read + Send>| {
        let said = said.clone();
        thread::spawn(move || {
            let mut bytes = [0; 1 << 16];
            while let Ok(count @ 1..) = pipe.read(&mut bytes) {
                said.send((index, bytes[..count].to_vec())).unwrap();
            }
        });
    };
    read(0, Box::new(child.stdout.take().unwrap()));
    read(1, Box::new(child.stderr.take().unwrap()));
    drop(said);
    let (mut texts, mut hung) = ([Vec::new(), Vec::new()], None);
    loop {
        match events.recv_timeout(progress.patience()) {
            Ok((index, bytes)) => {
                texts[index].extend(bytes);
                progress.spoke();
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) if hung.is_none() => {
                hung = progress.hung();
                if hung.is_some() {
                    // With what it started itself, which has the pipes too.
                    let kill = format!("kill -s KILL -- -{}", child.id());
                    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
                }
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
    }
    let [stdout, stderr] = texts;
    Ran { output: Output { status: child.wait().unwrap(), stdout, stderr }, hung }
}

const ISOLATED: &str = "AVSLUICE_TEST_ISOLATED";

/// This test program, to run one of its tests alone. `part` tells the parts of a test apart that have a process each.
fn alone(test: &str, part: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(ISOLATED, format!("{test}{part}"));
    command
}

fn is_alone(test: &str, part: &str) -> bool {
    std::env::var(ISOLATED).is_ok_and(|name| name == format!("{test}{part}"))
}

/// Runs a test's body in a process of its own, which is killed when it hangs: for what may crash or hang, and because the simulated driver's
/// ledger and faults are the process's.
pub fn isolated(test: &str, body: impl FnOnce()) {
    isolated_in(test, Vec::new(), body);
}

/// The same for a test that leaks on purpose: LeakSanitizer, where there is one, does not look.
pub fn isolated_leaking(test: &str, body: impl FnOnce()) {
    isolated_in(test, vec![("ASAN_OPTIONS".into(), "detect_leaks=0".into())], body);
}

/// The same with fresh memory that is not zero (glibc's MALLOC_PERTURB_): what was never written shows.
pub fn isolated_in_used_memory(test: &str, body: impl FnOnce()) {
    isolated_in(test, vec![("MALLOC_PERTURB_".into(), "17".into())], body);
}

fn isolated_in(test: &str, environment: Vec<(OsString, OsString)>, body: impl FnOnce()) {
    in_process(test, "", environment, body);
}

/// Runs a part of a test in a process of its own, unless this is the process of another part.
fn in_process(test: &str, part: &str, environment: Vec<(OsString, OsString)>, body: impl FnOnce()) {
    if is_alone(test, part) {
        return body();
    }
    if std::env::var_os(ISOLATED).is_some() {
        return;
    }
    let Ran { output, hung } = run(alone(test, part).envs(environment));
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(hung.is_none(), "{test}{part} hung ({}), and said before:\n{text}", hung.unwrap());
    assert!(output.status.success(), "{test}{part}: {}\n{text}", output.status);
    assert!(text.contains("1 passed"), "{test}{part} did not run:\n{text}");
    println!("{text}"); // with --nocapture
}

/// A part of a test where libva may find the SIMULATED VA-API driver, but for these variables.
pub fn on_vaapi_with(test: &str, part: &str, variables: &[(&str, OsString)], body: impl FnOnce()) {
    let mut environment = simgpu::va::environment().unwrap();
    environment.extend(variables.iter().map(|(name, value)| (OsString::from(name), value.clone())));
    in_process(test, part, environment, body);
}

/// A defect of FFmpeg's on the SIMULATED VA-API driver: `in_c` runs in a process of its own, which may crash and which `judge` is told
/// of; then `guarded` in another. Both with these faults.
pub fn defect(
    test: &str,
    faults: &[simgpu::Fault],
    in_c: impl FnOnce(),
    judge: impl FnOnce(Output),
    guarded: impl FnOnce(Simgpu),
) {
    const IN_C: &str = " in C";
    if is_alone(test, IN_C) {
        return in_c();
    }
    if !is_alone(test, "") {
        let mut command = alone(test, IN_C);
        command.envs(simgpu::va::environment().unwrap()).env("SIMGPU_FAULTS", serde_json::to_string(faults).unwrap());
        let Ran { output, hung } = run(&mut command);
        assert!(hung.is_none(), "{test} hung in C ({}): {output:?}", hung.unwrap());
        judge(output);
    }
    simulated_vaapi_leaking(test, leaked_by_encoders(), |driver| {
        faults.iter().for_each(|fault| driver.fail(fault.clone()));
        guarded(driver);
    });
}

/// Runs a test's body in a process of its own on the SIMULATED NVIDIA driver. Afterwards nothing may be alive, and nothing may have
/// been done wrong.
pub fn simulated(test: &str, body: impl FnOnce(Simgpu)) {
    simulated_allowing(test, &[], body);
}

/// The same, for a test that provokes violations: those that contain one of these texts are expected.
pub fn simulated_allowing(test: &str, allowed: &[&str], body: impl FnOnce(Simgpu)) {
    isolated(test, || {
        let driver = simgpu::start().unwrap();
        body(driver);
        check_ledger(driver, allowed, &[]);
    });
}

/// The same on the SIMULATED VA-API driver.
pub fn simulated_vaapi(test: &str, body: impl FnOnce(Simgpu)) {
    simulated_vaapi_leaking(test, &[], body);
}

/// The same, where FFmpeg may leak objects of these kinds, see [`leaked_by_encoders`].
pub fn simulated_vaapi_leaking(test: &str, leaked: &[&str], body: impl FnOnce(Simgpu)) {
    isolated_in(test, simgpu::va::environment().unwrap(), || {
        let driver = simgpu::va::start().unwrap();
        body(driver);
        check_ledger(driver, &[], leaked);
    });
}

fn check_ledger(driver: Simgpu, allowed: &[&str], leaked: &[&str]) {
    let mut ledger = driver.ledger();
    let bad: Vec<_> =
        ledger.violations.iter().filter(|line| !allowed.iter().any(|allowed| line.contains(allowed))).collect();
    assert!(bad.is_empty(), "violations: {bad:#?}");
    ledger.live.retain(|kind, _| !leaked.contains(&kind.as_str()));
    assert!(ledger.live.is_empty(), "left alive: {:?}", ledger.live);
}

/// What FFmpeg 7's vaapi encoders leave alive (h06): the pictures that are still in their list when they are closed, and with those
/// the pools and the device. No other version does.
pub fn leaked_by_encoders() -> &'static [&'static str] {
    if avsluice::libavcodec_version().0 == 61 { &["va_surface", "va_display"] } else { &[] }
}

/// What the process of a [`resumed`] test says on its standard output.
pub struct Report;

const BEGUN: &str = "begun: ";
const WRONG: &str = "wrong: ";
const DONE: &str = "done: ";

impl Report {
    /// A run begins, which may crash.
    pub fn begin(&self, index: usize, what: &str) {
        println!("{BEGUN}{index} {what}");
    }
    /// It ended, and something is wrong.
    pub fn wrong(&self, what: &str) {
        println!("{WRONG}{what}");
    }
    /// All runs were done: how many there are.
    pub fn done(&self, count: usize) {
        println!("{DONE}{count}");
    }
}

/// Many runs in one process, beginning with the one of that number. When a run crashes or hangs, another process goes on after it.
/// Gives what went wrong, and the number of runs.
pub fn resumed(
    test: &str,
    environment: Vec<(OsString, OsString)>,
    body: impl FnOnce(usize, &Report),
) -> (Vec<String>, usize) {
    resumed_watched(test, environment, IDLE, body)
}

/// The same, for another time that a run may be silent and idle.
pub fn resumed_watched(
    test: &str,
    environment: Vec<(OsString, OsString)>,
    idle: Duration,
    body: impl FnOnce(usize, &Report),
) -> (Vec<String>, usize) {
    const START: &str = "AVSLUICE_TEST_START";
    if is_alone(test, "") {
        println!(); // libtest has begun a line
        body(std::env::var(START).unwrap().parse().unwrap(), &Report);
        std::process::exit(0); // what the parent needs is said
    }
    let folder = tempfile::tempdir().unwrap();
    let (mut failures, mut start, mut crashes) = (Vec::new(), 1, 0);
    loop {
        let mut command = alone(test, "");
        let calls = folder.path().join(format!("{crashes}.log"));
        command.envs(environment.iter().cloned()).env(START, start.to_string()).env("SIMGPU_LOG", &calls);
        // The limits are on each run: it says so when it begins.
        let Ran { output, hung } = run_watched(&mut command, idle, MOST_CPU);
        let text = String::from_utf8_lossy(&output.stdout);
        let mut begun = "before the first run".to_string();
        for line in text.lines() {
            if let Some(run) = line.strip_prefix(BEGUN) {
                begun = run.into();
                start = run.split_whitespace().next().unwrap().parse::<usize>().unwrap() + 1;
            } else if let Some(wrong) = line.strip_prefix(WRONG) {
                failures.push(format!("{begun}: {wrong}"));
            } else if let Some(count) = line.strip_prefix(DONE) {
                return (failures, count.parse().unwrap());
            }
        }
        let error = String::from_utf8_lossy(&output.stderr);
        let last: Vec<_> = error.lines().rev().take(12).collect();
        let ending = hung.map_or_else(|| output.status.to_string(), |why| format!("it hung: {why}"));
        let ending = format!("{ending}: {}", last.into_iter().rev().collect::<Vec<_>>().join("\n"));
        let calls = std::fs::read_to_string(&calls).unwrap_or_default();
        let last = calls.lines().rev().find(|line| line.contains("INJECTED")).unwrap_or_default();
        failures.push(format!("{begun}: {ending}\n{last}"));
        crashes += 1;
        if begun.starts_with("before") || crashes > 100 {
            return (failures, start);
        }
    }
}
