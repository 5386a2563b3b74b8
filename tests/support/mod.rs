//! What the integration tests share.
#![allow(dead_code)] // each test program uses its own part

pub mod codecs;

use avsluice::{Demuxer, Format, Frame, PixelFormat, Result, Stream, System, TimeBase};
use simgpu::Simgpu;
use std::{
    io::Read,
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
    let plane = |index| media::Plane { data: frame.plane(index).data, pitch: frame.plane(index).pitch };
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

/// Runs a program with a time limit: its output, or `None` if it had to be killed.
pub fn run_within(command: &mut Command, limit: Duration) -> Option<Output> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (done, wait) = mpsc::channel::<()>();
    // Both pipes end when the child does, and with them the threads and the channel.
    let read = |mut pipe: Box<dyn Read + Send>, done: mpsc::Sender<()>| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.read_to_end(&mut bytes).unwrap();
            drop(done);
            bytes
        })
    };
    let stdout = read(Box::new(child.stdout.take().unwrap()), done.clone());
    let stderr = read(Box::new(child.stderr.take().unwrap()), done);
    let in_time = wait.recv_timeout(limit) != Err(mpsc::RecvTimeoutError::Timeout);
    if !in_time {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    let output = Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() };
    in_time.then_some(output)
}

const ISOLATED: &str = "AVSLUICE_TEST_ISOLATED";

/// Runs a test's body in a process of its own, with a time limit: for what may crash or hang, and because the simulated driver's
/// ledger and faults are the process's.
pub fn isolated(test: &str, body: impl FnOnce()) {
    if std::env::var(ISOLATED).is_ok_and(|name| name == test) {
        return body();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(ISOLATED, test);
    let output = run_within(&mut command, Duration::from_secs(120)).unwrap_or_else(|| panic!("{test} hung"));
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{test}: {}\n{text}", output.status);
    assert!(text.contains("1 passed"), "{test} did not run:\n{text}");
}

/// The same on the simulated NVIDIA driver. Afterwards nothing may be alive, and nothing may have been done wrong.
pub fn simulated(test: &str, body: impl FnOnce(Simgpu)) {
    simulated_allowing(test, &[], body);
}

/// The same, for a test that provokes violations: those that contain one of these texts are expected.
pub fn simulated_allowing(test: &str, allowed: &[&str], body: impl FnOnce(Simgpu)) {
    isolated(test, || {
        let driver = simgpu::start().unwrap();
        body(driver);
        let ledger = driver.ledger();
        let bad: Vec<_> =
            ledger.violations.iter().filter(|line| !allowed.iter().any(|allowed| line.contains(allowed))).collect();
        assert!(bad.is_empty(), "violations: {bad:#?}");
        assert!(ledger.is_empty(), "left alive: {:?}", ledger.live);
    });
}
