//! A failure of the SIMULATED drivers at every call of a codec's whole life, one after the other: each must end in an error or in a
//! clean result, with nothing left alive, nothing done wrong, and no crash.

mod support;

use avsluice::{
    Cuda, Decoder, Device, DeviceMemory, Encoder, FramePool, Limit, Result, Vaapi, encode::Encodes, nvenc, vaapi,
};
use simgpu::{Config, Fault, Ledger, Simgpu};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
};
use support::{CLOCK, NV12, leaked_by_encoders, open, picture, resumed, resumed_watched};

/// A kind of GPU with its simulated driver.
trait Backend {
    type Memory: DeviceMemory;
    type H264: Encodes<Self::Memory>;
    /// Functions by the beginning of their names, with the statuses that they fail with: something, and out of memory.
    const FAULTS: &'static [(&'static str, [u32; 2])];
    fn environment() -> Vec<(OsString, OsString)>;
    fn start() -> Simgpu;
    fn device() -> Result<Device<Self::Memory>>;
    fn h264() -> Self::H264;
    /// What FFmpeg leaves alive when everything goes well.
    fn leaked() -> &'static [&'static str];
}

struct Nvidia;
impl Backend for Nvidia {
    type Memory = Cuda;
    type H264 = nvenc::H264;
    const FAULTS: &'static [(&'static str, [u32; 2])] = &[("cu*", [999, 2]), ("nvEnc*", [20, 10])];
    fn environment() -> Vec<(OsString, OsString)> {
        Vec::new()
    }
    fn start() -> Simgpu {
        simgpu::start().unwrap()
    }
    fn device() -> Result<Device<Cuda>> {
        Device::cuda(0)
    }
    fn h264() -> nvenc::H264 {
        nvenc::H264::new()
    }
    fn leaked() -> &'static [&'static str] {
        &[]
    }
}

struct VaApi;
impl Backend for VaApi {
    type Memory = Vaapi;
    type H264 = vaapi::H264;
    const FAULTS: &'static [(&'static str, [u32; 2])] = &[("va*", [1, 2]), ("__va*", [1, 2])];
    fn environment() -> Vec<(OsString, OsString)> {
        simgpu::va::environment().unwrap()
    }
    fn start() -> Simgpu {
        simgpu::va::start().unwrap()
    }
    fn device() -> Result<Device<Vaapi>> {
        Device::vaapi(simgpu::va::NODE)
    }
    fn h264() -> vaapi::H264 {
        vaapi::H264::new()
    }
    fn leaked() -> &'static [&'static str] {
        leaked_by_encoders()
    }
}

/// A codec's life that went well gives this.
type Scenario = fn() -> Result<()>;

fn encode<B: Backend>() -> Result<()> {
    let device = B::device()?;
    {
        let pool = FramePool::new(&device, NV12)?;
        let mut encoder = Encoder::new(&pool, CLOCK, B::h264()).max_b_frames(2).open()?;
        for number in 0..6 {
            for packet in encoder.send(picture(NV12, number).upload(&pool)?)? {
                drop(packet?);
            }
        }
        encoder.flush()?.finish(Limit::default(), |_| Ok(()))?.free();
    }
    close(device)
}

/// FFmpeg 7.1 leaks references of VA-API's encoders: that is no failure here.
fn close<M: DeviceMemory>(device: Device<M>) -> Result<()> {
    match device.close() {
        Err(failed) if leaked_by_encoders().is_empty() => Err(failed.into()),
        _ => Ok(()),
    }
}

/// A program that goes on after an error, as far as it is let.
fn encode_stubbornly<B: Backend>() -> Result<()> {
    let device = B::device()?;
    let pool = FramePool::new(&device, NV12)?;
    let mut encoder = Encoder::new(&pool, CLOCK, B::h264()).open()?;
    let mut first = Ok(());
    for number in 0..6 {
        let sent = picture(NV12, number)
            .upload(&pool)
            .and_then(|frame| encoder.send(frame)?.try_for_each(|packet| packet.map(drop)));
        first = first.and(sent);
    }
    match encoder.flush() {
        Ok(flushing) => drop(flushing.finish(Limit::default(), |_| Ok(()))),
        Err(failed) => drop(failed.into_value().free()),
    }
    first
}

fn abandon<B: Backend>() -> Result<()> {
    let device = B::device()?;
    let pool = FramePool::new(&device, NV12)?;
    let mut encoder = Encoder::new(&pool, CLOCK, B::h264()).max_b_frames(2).open()?;
    for number in 0..3 {
        encoder.send(picture(NV12, number).upload(&pool)?)?.try_for_each(|packet| packet.map(drop))?;
    }
    encoder.flush()?.abandon().free();
    Ok(())
}

/// Packets that are decoded: the standard stream's pictures come out after a few.
const PACKETS: usize = 10;

fn decode<B: Backend>() -> Result<()> {
    let device = B::device()?;
    {
        let (mut file, video) = open(media::standard().path)?;
        let mut decoder = Decoder::new(&device, &video).open()?;
        for packet in file.packets(&video).take(PACKETS) {
            for frame in decoder.send(packet?)? {
                drop(frame?.download()?);
            }
        }
        decoder.flush()?.finish(Limit::default(), |frame| frame.download().map(drop))?.free();
    }
    device.close()?;
    Ok(())
}

fn transcode<B: Backend>() -> Result<()> {
    let device = B::device()?;
    {
        let (mut file, video) = open(media::standard().path)?;
        let mut frames = Decoder::new(&device, &video).open()?.frames(file.packets(&video));
        let mut encoder = Encoder::new(&frames.pool()?, video.time_base(), B::h264()).open()?;
        for frame in frames.by_ref().take(6) {
            encoder.send(frame?)?.try_for_each(|packet| packet.map(drop))?;
        }
        encoder.flush()?.finish(Limit::default(), |_| Ok(()))?.free();
        frames.close().free();
    }
    close(device)
}

/// What a failing function excuses, by parts of names and of texts: what the ledger may say of that run, and no more.
struct Excuse {
    /// The function that failed. Every function, if it is empty.
    failed: &'static str,
    /// Violations.
    violations: &'static [&'static str],
    /// Whether objects may be left alive.
    leak: bool,
}

/// What is said when something was not given back, and its owner goes.
const KEPT: &[&str] = &[
    "objects are left",
    "is alive",
    "is mapped",
    "still mapped",
    "destroyed with",
    "the destroyed context",
    "still registered",
    "resources left in session",
    "is locked",
    "belongs to the live context",
];

const fn kept(failed: &'static str) -> Excuse {
    Excuse { failed, violations: KEPT, leak: true }
}

const EXCUSES: &[Excuse] = &[
    // An encoder that fails, or is given up, is closed with pictures inside.
    Excuse { failed: "", violations: &["never collected"], leak: false },
    // What these were to give back is not given back, and what that keeps alive is not either.
    kept("Destroy"),
    kept("Free"),
    kept("Release"),
    kept("Unregister"),
    kept("Unmap"),
    kept("Unlock"),
    kept("Terminate"),
    kept("cuCtxPopCurrent"),
    // FFmpeg's decoder goes on with a picture that it could not begin, and so with no surface.
    Excuse { failed: "vaCreateBuffer", violations: &["is no va_surface"], leak: false },
    // FFmpeg's decoder also asks for a picture that was not decoded. Here it was none before; else it gets what the
    // surface held.
    Excuse { failed: "cuvidMapVideoFrame64", violations: &["was never decoded"], leak: false },
    // FFmpeg gives nothing back where it cannot make the context current: its defect.
    kept("cuCtxPushCurrent"),
];

/// What is wrong after a run with a fault, if anything is.
fn judge<B: Backend>(ledger: &Ledger, before: &BTreeMap<String, u64>) -> Option<String> {
    let failed: Vec<_> =
        ledger.calls.iter().filter(|(_, calls)| calls.failed > 0).map(|(name, _)| name.as_str()).collect();
    let excuses: Vec<_> = EXCUSES
        .iter()
        .filter(|excuse| excuse.failed.is_empty() || failed.iter().any(|name| name.contains(excuse.failed)))
        .collect();
    let excused = |line: &str| excuses.iter().any(|excuse| excuse.violations.iter().any(|part| line.contains(part)));
    let violations: Vec<_> = ledger.violations.iter().filter(|line| !excused(line)).collect();
    let left = ledger.live.iter().filter_map(|(kind, count)| {
        let known = before.get(kind).copied().unwrap_or(0);
        (*count > known && !B::leaked().contains(&kind.as_str())).then(|| format!("{} {kind}", count - known))
    });
    let left: Vec<_> = left.filter(|_| !excuses.iter().any(|excuse| excuse.leak)).collect();
    (!violations.is_empty() || !left.is_empty())
        .then(|| format!("{failed:?} failed: violations {violations:?}, left alive {left:?}"))
}

/// Whether FFmpeg itself crashed where it is known to. From 7.1 on its vaapi encoders follow a null pointer when the surface for the
/// reconstruction of a picture cannot be made (hw_base_encode_send_frame frees a picture that has no private part yet).
fn is_known_crash(failure: &str) -> bool {
    failure.contains("SIGSEGV")
        && failure.lines().last().is_some_and(|call| call.contains(" vaCreateSurfaces2("))
        && matches!(avsluice::libavcodec_version().0, 61 | 63)
}

/// Set to have each call of a life fail, and not only those that [`places`] chooses.
const FULL: &str = "AVSLUICE_FAULTS_FULL";
/// How many calls before one tell apart from where it comes.
const CONTEXT: usize = 2;

/// Which of a life's calls are to fail. The loops of a life repeat the same calls in the same state: where two calls are of one
/// function, and so are the two calls before them, they come from the same place. Of each place the first, the second and the last
/// call fail: as it begins, once something is there already, and as it ends.
fn places(calls: &[String]) -> Vec<usize> {
    if std::env::var_os(FULL).is_some() {
        return (1..=calls.len()).collect();
    }
    let mut places: BTreeMap<&[String], Vec<usize>> = BTreeMap::new();
    for index in 0..calls.len() {
        places.entry(&calls[index.saturating_sub(CONTEXT)..=index]).or_default().push(index + 1);
    }
    let chosen = places.values().flat_map(|all| all.iter().take(2).chain(all.last()).copied());
    let chosen: BTreeSet<_> = chosen.collect();
    chosen.into_iter().collect()
}

#[test]
fn of_calls_that_repeat_the_first_the_second_and_the_last_fail() {
    let calls: Vec<_> = format!("open{} close", " send get".repeat(10)).split(' ').map(String::from).collect();
    let due = match std::env::var_os(FULL) {
        Some(_) => (1..=22).collect(),
        None => vec![1, 2, 3, 4, 5, 6, 7, 20, 21, 22],
    };
    assert_eq!(places(&calls), due);
}

/// The names of the functions that a life calls, in their order, out of the driver's log.
fn called(driver: &Simgpu, scenario: Scenario, beginning: &str) -> Vec<String> {
    let log = std::env::var_os("SIMGPU_LOG").unwrap();
    let before = std::fs::metadata(&log).map_or(0, |log| log.len() as usize);
    driver.reset_counters();
    scenario().unwrap();
    let text = std::fs::read(&log).unwrap();
    let lines = String::from_utf8_lossy(&text[before..]);
    let names = lines.lines().filter_map(|line| Some(line.split_whitespace().nth(2)?.split_once('(')?.0.to_string()));
    let names: Vec<_> = names.filter(|name| name.starts_with(beginning)).collect();
    let counted = driver.ledger().calls;
    let counted = counted.iter().filter(|(name, _)| name.starts_with(beginning)).map(|(_, calls)| calls.total);
    assert_eq!(names.len() as u64, counted.sum::<u64>(), "the log has each call");
    names
}

/// Runs the scenario with a fault at each of the chosen calls, in processes of their own: one that crashes is gone on after.
fn sweep<B: Backend>(test: &str, scenario: Scenario) {
    let (mut failures, runs) = resumed(test, B::environment(), |start, report| {
        let driver = B::start();
        // What is left of runs that leak must not fail others.
        driver.configure(Config { max_sessions: 1000, device_memory: 1 << 40, ..Config::default() });
        scenario().unwrap();
        let mut index = 0;
        for (function, statuses) in B::FAULTS {
            let beginning = function.trim_end_matches('*');
            let places = places(&called(&driver, scenario, beginning));
            for (status, sticky, nth) in statuses
                .iter()
                .flat_map(|status| [false, true].map(|sticky| (status, sticky)))
                .flat_map(|(status, sticky)| places.iter().map(move |place| (*status, sticky, *place as u64)))
            {
                index += 1;
                if index < start {
                    continue;
                }
                driver.reset_counters();
                let before = driver.ledger().live;
                let fault = Fault { function: (*function).into(), nth, status, sticky };
                report.begin(index, &format!("{fault:?}"));
                driver.fail(fault);
                let result = scenario();
                driver.clear_faults();
                if let Some(wrong) = judge::<B>(&driver.ledger(), &before) {
                    report.wrong(&format!("{wrong} (the result was {result:?})"));
                }
            }
        }
        report.done(index);
    });
    println!("{test}: {runs} runs"); // with --nocapture
    failures.retain(|failure| !is_known_crash(failure));
    assert!(runs > 20, "{runs} calls");
    assert!(failures.is_empty(), "{} of {runs}:\n{}", failures.len(), failures.join("\n"));
}

/// A run that hangs, or crashes, is named, and those behind it are done.
#[test]
fn a_sweep_names_the_run_that_hangs_and_goes_on() {
    let name = "a_sweep_names_the_run_that_hangs_and_goes_on";
    let idle = std::time::Duration::from_millis(500);
    let (failures, runs) = resumed_watched(name, Vec::new(), idle, |start, report| {
        for run in start..=5 {
            report.begin(run, &format!("run {run}"));
            match run {
                3 => std::thread::park(),
                4 => std::process::abort(),
                _ => {}
            }
            report.wrong("it ended");
        }
        report.done(5);
    });
    let begins: Vec<_> =
        failures.iter().map(|failure| failure.split(": ").take(2).collect::<Vec<_>>().join(": ")).collect();
    assert_eq!(runs, 5);
    let due = ["1 run 1: it ended", "2 run 2: it ended", "3 run 3: it hung", "4 run 4: signal", "5 run 5: it ended"];
    assert!(begins.iter().zip(due).all(|(begin, due)| begin.starts_with(due)) && begins.len() == 5, "{failures:#?}");
}

macro_rules! sweeps {
    ($($name:ident: $backend:ident $scenario:ident;)*) => {
        $(
            #[test]
            fn $name() {
                sweep::<$backend>(stringify!($name), $scenario::<$backend>);
            }
        )*
    };
}
sweeps! {
    encode_on_nvidia: Nvidia encode;
    encode_stubbornly_on_nvidia: Nvidia encode_stubbornly;
    abandon_on_nvidia: Nvidia abandon;
    decode_on_nvidia: Nvidia decode;
    transcode_on_nvidia: Nvidia transcode;
    encode_on_vaapi: VaApi encode;
    encode_stubbornly_on_vaapi: VaApi encode_stubbornly;
    abandon_on_vaapi: VaApi abandon;
    decode_on_vaapi: VaApi decode;
    transcode_on_vaapi: VaApi transcode;
}
