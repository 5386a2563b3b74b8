//! Damage is told: frames of cut, joined and truncated streams are marked and counted, whole files have none, and what
//! a GPU does not decode is passed over as the ffmpeg program does, as long as the GPU itself answers.

#[path = "files/tools.rs"]
mod tools;

mod support;

use avsluice::{
    AsDevice, Cuda, Decoder, Demuxer, Device, DeviceMemory, Error, ErrorKind, Frame, Limit, Memory, Outcome, System,
    TeardownReport,
};
use simgpu::{Fault, Simgpu};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use support::{md5, open, simulated, simulated_allowing, simulated_vaapi};
use tempfile::tempdir;
use tools::*;

/// The standard stream in a transport stream.
fn transport(dir: &Path) -> PathBuf {
    let path = dir.join("whole.ts");
    remux(&bare_stream(), &path).unwrap();
    path
}

/// A copy without what lies between two places, in hundredths of its packets of 188 bytes.
fn joined(whole: &Path, from: usize, to: usize) -> PathBuf {
    let bytes = fs::read(whole).unwrap();
    let at = |percent: usize| bytes.len() / 188 * percent / 100 * 188;
    let path = whole.with_file_name(format!("{from}-{to}.ts"));
    fs::write(&path, [&bytes[..at(from)], &bytes[at(to)..]].concat()).unwrap();
    path
}

/// Cuts that do not ask where keyframes are.
fn joins() -> impl Iterator<Item = (usize, usize)> {
    (2..60).step_by(6).map(|from| (from, from + 9 + from % 7))
}

struct Told {
    /// Of each frame, whether it is marked.
    marks: Vec<bool>,
    report: TeardownReport,
}

/// Decodes a file; the first error is the result.
fn decode<'d, M: Memory>(on: impl AsDevice<'d, Memory = M>, path: &Path, threads: u32) -> Result<Told, Error> {
    let (mut file, video) = open(path)?;
    let mut marks = Vec::new();
    let mut decoder = Decoder::new(on, &video).threads(threads).open()?;
    for packet in file.packets(&video) {
        for frame in decoder.send(packet?)? {
            marks.push(frame?.is_damaged());
        }
    }
    assert_eq!(decoder.damaged_frames(), marks.iter().filter(|mark| **mark).count() as u64);
    let mut take = |frame: Frame<'d, M>| {
        marks.push(frame.is_damaged());
        Ok(())
    };
    let report = decoder.flush()?.finish(Limit::default(), &mut take)?.free();
    Ok(Told { marks, report })
}

#[test]
fn whole_files_have_no_damage() {
    let mut files = 0;
    for stream in media::all() {
        for threads in [1, 0] {
            let told = decode(System, &stream.path, threads).unwrap();
            let (marks, report) = (&told.marks, &told.report);
            assert!(!marks.is_empty() && !marks.contains(&true), "{} with {threads} threads: {marks:?}", stream.name);
            assert_eq!((report.damaged, report.damaged_frames), (0, 0), "{}: {report}", stream.name);
            assert!(!report.to_string().contains("damaged"), "{report}");
            files += 1;
        }
    }
    assert!(files >= 30, "{files}");
}

#[test]
fn h72_whole_files_have_no_damage_on_cuda() {
    simulated("h72_whole_files_have_no_damage_on_cuda", |_| {
        let device = Device::cuda(0).unwrap();
        for stream in media::h264() {
            let told = decode(&device, &stream.path, 0).unwrap();
            assert_eq!((told.report.damaged, told.report.damaged_frames), (0, 0), "{}: {}", stream.name, told.report);
        }
        device.close().unwrap();
    });
}

/// Hashes of a file's frames, by their times, and which are marked.
fn hashes(path: &Path) -> BTreeMap<i64, (String, bool)> {
    let (mut file, video) = open(path).unwrap();
    let frames = Decoder::new(System, &video).threads(1).open().unwrap().frames(file.packets(&video));
    frames
        .map(|frame| {
            let frame = frame.unwrap();
            (frame.pts().unwrap(), (md5(&frame), frame.is_damaged()))
        })
        .collect()
}

#[test]
fn h72_the_incomplete_picture_of_a_truncated_file_is_marked() {
    let dir = tempdir().unwrap();
    let whole = transport(dir.path());
    let (bytes, due) = (fs::read(&whole).unwrap(), hashes(&whole));
    assert_eq!(due.values().filter(|(_, damaged)| *damaged).count(), 0);
    let cut = dir.path().join("cut.ts");
    let mut incomplete = 0;
    for percent in 20..80 {
        fs::write(&cut, &bytes[..bytes.len() / 188 * percent / 100 * 188 + 100]).unwrap();
        for (time, (hash, damaged)) in hashes(&cut) {
            let differs = due[&time].0 != hash;
            // No later picture refers to the last one: a picture that differs is the one that was cut.
            assert!(damaged || !differs, "{percent} %: the frame at {time} is another, and unmarked");
            incomplete += usize::from(differs);
        }
    }
    assert!(incomplete >= 20, "{incomplete} pictures were cut");
}

#[test]
fn h72_frames_at_a_join_are_marked_and_counted() {
    let dir = tempdir().unwrap();
    let whole = transport(dir.path());
    let mut told_of = 0;
    for (from, to) in joins() {
        let path = joined(&whole, from, to);
        let Told { marks, report } = decode(System, &path, 1).unwrap();
        let marked = marks.iter().filter(|mark| **mark).count() as u64;
        assert_eq!(report.damaged_frames, marked);
        assert_eq!(report.to_string().contains(&format!("{marked} damaged frames")), marked > 0, "{report}");
        assert!(marked <= 20, "{from} to {to}: {marked} of {} are marked", marks.len());
        told_of += usize::from(marked > 0 || report.damaged > 0);
        // With several threads FFmpeg may output a frame before it knows of its damage: no frame is lost, some marks
        // are.
        assert_eq!(decode(System, &path, 4).unwrap().marks.len(), marks.len());
    }
    // A join may hit the gap between two groups of pictures.
    assert!(told_of >= 6, "{told_of} of {} joins were told of", joins().count());
}

/// As many frames as software gives, with no error, at each join.
fn h73<M: DeviceMemory>(device: &Device<M>) {
    let dir = tempdir().unwrap();
    let whole = transport(dir.path());
    let mut told_of = 0;
    for (from, to) in joins() {
        let path = joined(&whole, from, to);
        let due = decode(System, &path, 1).unwrap();
        let told = decode(device, &path, 1).unwrap_or_else(|error| panic!("{from} to {to}: {error}"));
        // What the hardware did not decode is counted, and is all that is missing.
        let missing = due.marks.len() - told.marks.len();
        assert!(missing as u64 <= told.report.damaged, "{from} to {to}: {missing} missing, {}", told.report);
        assert!(matches!(told.report.outcome, Outcome::Drained));
        told_of += usize::from(told.report.damaged_frames > 0);
    }
    // A GPU conceals: what is known is the gap in the packets, and what FFmpeg's parser of slices misses.
    assert!(told_of >= 5, "{told_of} of {} joins were told of", joins().count());
}

fn fail(driver: Simgpu, function: &str, nth: u64, status: u32, sticky: bool) {
    driver.reset_counters();
    driver.fail(Fault { function: function.into(), nth, status, sticky });
}

/// A picture that the driver does not decode: counted, and the next ones come.
fn h73_passed_over<M: DeviceMemory>(driver: Simgpu, device: &Device<M>, function: &str) {
    let dir = tempdir().unwrap();
    let whole = transport(dir.path());
    for file in [&whole, &bare_stream()] {
        for nth in [1, 2, 7, 30, 250] {
            fail(driver, function, nth, 1, false);
            let told = decode(device, file, 1);
            driver.clear_faults();
            let Told { marks, report } = told.unwrap_or_else(|error| panic!("{function} {nth}: {error}"));
            assert!(marks.len() >= 248, "{function} {nth}: {} frames, {report}", marks.len());
            assert!(report.damaged >= 1 && report.damaged <= 2, "{function} {nth}: {report}");
            assert!(report.log.iter().any(|line| line.contains("accelerator")), "{:?}", report.log);
            assert!(report.damaged_frames <= 1, "{function} {nth}: {report}");
            let comes_out = file == &whole && marks.len() as u64 + report.damaged > 250;
            assert!(!comes_out || report.damaged_frames == 1, "{function} {nth}: it came out unmarked, {report}");
        }
    }
    // Where one was sought: the next ones come as well.
    let input = Demuxer::open(&whole).unwrap();
    let video = input.video().unwrap();
    let mut player = Decoder::new(device, &video).open().unwrap().frames(input.into_packets(&video));
    for milliseconds in [4_000, 1_500, 7_300] {
        fail(driver, function, 9, 1, false);
        player.seek_exact(Duration::from_millis(milliseconds)).unwrap();
        assert_eq!(player.by_ref().take(30).map(|frame| drop(frame.unwrap())).count(), 30);
        driver.clear_faults();
    }
    assert!(player.close().free().damaged >= 1);
}

/// A driver that decodes nothing more is an error, be it at once or after a while; so is one without memory.
fn h73_lost<M: DeviceMemory>(driver: Simgpu, device: &Device<M>, function: &str, out_of_memory: u32) {
    let dir = tempdir().unwrap();
    let mut long = Vec::new();
    (0..4).for_each(|_| long.extend(fs::read(bare_stream()).unwrap()));
    let path = dir.path().join("long.h264");
    fs::write(&path, long).unwrap();
    for (file, nth) in [(&path, 1), (&path, 100), (&bare_stream(), 1)] {
        fail(driver, function, nth, 1, true);
        let told = decode(device, file, 1);
        driver.clear_faults();
        let error = told.err().unwrap_or_else(|| panic!("{function} from {nth} on: no error"));
        assert!(error.to_string().contains("the device may be lost"), "{function} from {nth} on: {error}");
    }
    fail(driver, function, 20, out_of_memory, false);
    let told = decode(device, &path, 1);
    driver.clear_faults();
    let error = told.err().expect("no memory is no damage");
    assert!(matches!(error.kind(), ErrorKind::OutOfMemory | ErrorKind::PoolExhausted), "{error:?}");
}

#[test]
fn h73_a_picture_that_nvdec_does_not_decode_is_damage() {
    // FFmpeg asks the driver for such a picture all the same.
    let allowed = ["was never decoded"];
    simulated_allowing("h73_a_picture_that_nvdec_does_not_decode_is_damage", &allowed, |driver| {
        let device = Device::cuda(0).unwrap();
        h73(&device);
        h73_passed_over(driver, &device, "cuvidDecodePicture");
        device.close().unwrap();
    });
}

#[test]
fn h73_a_picture_that_vaapi_does_not_decode_is_damage() {
    simulated_vaapi("h73_a_picture_that_vaapi_does_not_decode_is_damage", |driver| {
        let device = Device::vaapi(simgpu::va::NODE).unwrap();
        h73(&device);
        h73_passed_over(driver, &device, "vaEndPicture");
        device.close().unwrap();
    });
}

#[test]
fn a_gpu_that_decodes_nothing_more_is_an_error() {
    simulated_allowing("a_gpu_that_decodes_nothing_more_is_an_error", &["was never decoded"], |driver| {
        let device: Device<Cuda> = Device::cuda(0).unwrap();
        h73_lost(driver, &device, "cuvidDecodePicture", 2);
        // CUDA says so of the device itself, with each call: no packet is passed over then.
        let (mut file, video) = open(bare_stream()).unwrap();
        let mut decoder = Decoder::new(&device, &video).open().unwrap();
        let mut packets = file.packets(&video);
        for packet in packets.by_ref().take(20) {
            decoder.send(packet.unwrap()).unwrap().for_each(|frame| drop(frame.unwrap()));
        }
        fail(driver, "cuvidDecodePicture", 1, 700, true);
        driver.fail(Fault { function: "cuStreamSynchronize".into(), nth: 1, status: 700, sticky: true });
        let error = decoder.send(packets.next().unwrap().unwrap()).unwrap_err().into_error();
        driver.clear_faults();
        assert!(error.to_string().contains("the device itself has failed"), "{error}");
        assert_eq!(decoder.damaged(), 0);
        drop(decoder);
        device.close().unwrap();
    });
}

#[test]
fn a_gpu_that_decodes_nothing_more_is_an_error_on_vaapi() {
    simulated_vaapi("a_gpu_that_decodes_nothing_more_is_an_error_on_vaapi", |driver| {
        let device = Device::vaapi(simgpu::va::NODE).unwrap();
        h73_lost(driver, &device, "vaEndPicture", 2);
        device.close().unwrap();
    });
}
